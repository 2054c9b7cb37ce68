//! Batches of datagrams, and socket options that the standard library does not have.
//!
//! All raw system calls of the crate are in this file.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

use libc::{c_int, c_void, iovec, mmsghdr, sockaddr_storage};

use crate::respond::UDP_SIZE_MAX;

/// Most datagrams in one system call.
pub(crate) const BATCH: usize = 32;
/// Queries are shorter; of a longer one the rest is lost, and it is malformed.
const PACKET_LENGTH: usize = 2048;
/// Holds one IP_PKTINFO or IPV6_PKTINFO message.
const CONTROL_LENGTH: usize = 64;

/// Memory for a batch of queries and their answers, used over and over.
pub(crate) struct Batch {
    memory: Box<Memory>,
    /// Whether each query's own destination is received, to be the source of its answer.
    with_destination: bool,
    /// Headers up to here are not as `receive` needs them.
    used: usize,
    /// How many headers of `to_send` are filled.
    sending: usize,
}

/// The system calls get pointers into this. It lives in one box and never moves.
struct Memory {
    packets: [[u8; PACKET_LENGTH]; BATCH],
    answers: [[u8; UDP_SIZE_MAX]; BATCH],
    peers: [sockaddr_storage; BATCH],
    controls: [Control; BATCH],
    packet_vectors: [iovec; BATCH],
    answer_vectors: [iovec; BATCH],
    received: [mmsghdr; BATCH],
    to_send: [mmsghdr; BATCH],
}

#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_LENGTH]);

// SAFETY: the raw pointers in the headers only point into the same Memory, which is owned.
unsafe impl Send for Memory {}

/// The queries of a batch.
pub(crate) struct Packets<'b> {
    packets: &'b [[u8; PACKET_LENGTH]],
    received: &'b [mmsghdr],
}

/// Takes the answers of a batch.
pub(crate) struct Answers<'b> {
    answers: &'b mut [[u8; UDP_SIZE_MAX]],
    vectors: &'b mut [iovec],
    received: &'b [mmsghdr],
    to_send: &'b mut [mmsghdr],
    sending: &'b mut usize,
}

// === impl Batch ===

impl Batch {
    pub fn new(with_destination: bool) -> Self {
        // SAFETY: all fields are byte arrays and plain C structures with integers and raw
        // pointers, for which zeroes are valid.
        let memory = unsafe { Box::<Memory>::new_zeroed().assume_init() };
        Self { memory, with_destination, used: BATCH, sending: 0 }
    }

    /// Waits for one datagram, and takes those that are there with it.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.prepare();
        // SAFETY: `prepare` made every header point at memory of this batch, which lives longer
        // than the call, with the true lengths.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.memory.received.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_WAITFORONE,
                ptr::null_mut(),
            )
        };
        let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        self.used = received;
        Ok(received)
    }

    pub fn begin_answers(&mut self) {
        self.sending = 0;
    }

    pub fn split(&mut self, count: usize) -> (Packets<'_>, Answers<'_>) {
        let Memory { packets, answers, answer_vectors, received, to_send, .. } = &mut *self.memory;
        let received = &received[..count];
        let packets = Packets { packets: &packets[..count], received };
        let answers = Answers {
            answers,
            vectors: answer_vectors,
            received,
            to_send,
            sending: &mut self.sending,
        };
        (packets, answers)
    }

    /// Sends the answers; one that the system refuses is skipped and told to `on_error`.
    pub fn send(&mut self, socket: &UdpSocket, on_error: impl Fn()) {
        if self.with_destination {
            self.clear_interfaces();
        }
        let mut start = 0;
        while start < self.sending {
            let left = &mut self.memory.to_send[start..self.sending];
            // SAFETY: `Answers::send` filled these headers with pointers into this batch's memory
            // and the true lengths.
            let sent = unsafe {
                libc::sendmmsg(socket.as_raw_fd(), left.as_mut_ptr(), left.len() as u32, 0)
            };
            match usize::try_from(sent) {
                Ok(sent) => start += sent,
                Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    on_error();
                    start += 1;
                }
            }
        }
    }

    /// The last call wrote lengths into the headers that it used.
    fn prepare(&mut self) {
        let Memory { packets, peers, controls, packet_vectors, received, .. } = &mut *self.memory;
        for at in 0..self.used {
            packet_vectors[at] =
                iovec { iov_base: packets[at].as_mut_ptr().cast(), iov_len: PACKET_LENGTH };
            let header = &mut received[at].msg_hdr;
            header.msg_name = ptr::from_mut(&mut peers[at]).cast();
            header.msg_namelen = size_of::<sockaddr_storage>() as u32;
            header.msg_iov = &mut packet_vectors[at];
            header.msg_iovlen = 1;
            if self.with_destination {
                header.msg_control = controls[at].0.as_mut_ptr().cast();
                header.msg_controllen = CONTROL_LENGTH;
            }
        }
    }

    /// An answer leaves from the address that was asked, by whatever interface leads to the
    /// client; only a link-local address means nothing without its interface.
    fn clear_interfaces(&mut self) {
        for message in &self.memory.to_send[..self.sending] {
            // SAFETY: the header's control bytes are those that `receive` got from the system for
            // the same datagram, with the length that it gave.
            unsafe { clear_interface(&message.msg_hdr) };
        }
    }
}

/// # Safety
///
/// The header's control buffer must hold well-formed control messages.
unsafe fn clear_interface(header: &libc::msghdr) {
    // SAFETY: said by the caller; the data of these two kinds is the structure read and written
    // here, which may stand unaligned.
    unsafe {
        let control = libc::CMSG_FIRSTHDR(header);
        let Some(kind) = control.as_ref() else { return };
        let data = libc::CMSG_DATA(control);
        match (kind.cmsg_level, kind.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                let data = data.cast::<libc::in_pktinfo>();
                let mut info = data.read_unaligned();
                info.ipi_ifindex = 0;
                data.write_unaligned(info);
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let data = data.cast::<libc::in6_pktinfo>();
                let mut info = data.read_unaligned();
                if !is_link_local(info.ipi6_addr.s6_addr) {
                    info.ipi6_ifindex = 0;
                }
                data.write_unaligned(info);
            }
            _ => {}
        }
    }
}

fn is_link_local(address: [u8; 16]) -> bool {
    address[0] == 0xfe && address[1] & 0xc0 == 0x80
}

// === impl Packets ===

impl<'b> Packets<'b> {
    pub fn iter(&self) -> impl Iterator<Item = &'b [u8]> {
        let packets = self.packets.iter().zip(self.received);
        packets.map(|(packet, header)| &packet[..(header.msg_len as usize).min(PACKET_LENGTH)])
    }
}

impl Packets<'_> {
    /// Who sent the packet at `index`.
    pub fn peer(&self, index: usize) -> Option<IpAddr> {
        let header = &self.received[index].msg_hdr;
        // SAFETY: the header names the address memory of this batch, which is as large as any
        // address, aligned for it, and was zeroes or an address before the call that wrote this one.
        let storage = unsafe { header.msg_name.cast::<sockaddr_storage>().as_ref()? };
        address_of(storage)
    }
}

fn address_of(storage: &sockaddr_storage) -> Option<IpAddr> {
    let storage = ptr::from_ref(storage);
    // SAFETY: the family says which structure the storage holds, which is large enough for both.
    unsafe {
        match i32::from((*storage).ss_family) {
            libc::AF_INET => {
                let address = (*storage.cast::<libc::sockaddr_in>()).sin_addr.s_addr;
                Some(IpAddr::from(address.to_ne_bytes()))
            }
            libc::AF_INET6 => {
                Some(IpAddr::from((*storage.cast::<libc::sockaddr_in6>()).sin6_addr.s6_addr))
            }
            _ => None,
        }
    }
}

// === impl Answers ===

impl Answers<'_> {
    /// Where the answer to the query at `index` is to be written.
    pub fn buffer(&mut self, index: usize) -> &mut [u8] {
        &mut self.answers[index]
    }

    /// Queues the first `length` bytes of the buffer at `index`, to be sent to who asked.
    pub fn send(&mut self, index: usize, length: usize) {
        let answer = &mut self.answers[index][..length];
        self.vectors[index] = iovec { iov_base: answer.as_mut_ptr().cast(), iov_len: length };
        let received = &self.received[index].msg_hdr;
        let header = &mut self.to_send[*self.sending].msg_hdr;
        header.msg_name = received.msg_name;
        header.msg_namelen = received.msg_namelen;
        header.msg_iov = &mut self.vectors[index];
        header.msg_iovlen = 1;
        header.msg_control = received.msg_control;
        header.msg_controllen = received.msg_controllen;
        *self.sending += 1;
    }
}

// === options ===

/// Path MTU messages can be forged; answers are too short to need them (RFC 9715 section 3.1).
pub(crate) fn ignore_path_mtu(socket: &UdpSocket, ip: IpAddr) -> io::Result<()> {
    match ip {
        IpAddr::V4(_) => {
            set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT)
        }
        IpAddr::V6(_) => {
            set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT)
        }
    }
}

/// Each datagram comes with the address that it was sent to.
pub(crate) fn receive_destination(socket: &UdpSocket, ip: IpAddr) -> io::Result<()> {
    match ip {
        IpAddr::V4(_) => set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1),
        IpAddr::V6(_) => set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1),
    }
}

fn set(socket: &UdpSocket, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of an integer that lives during the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            ptr::from_ref(&value).cast::<c_void>(),
            size_of::<c_int>() as u32,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Ends all waiting for packets on this socket, now and later. The system says that the socket is
/// not connected, and does it all the same.
pub(crate) fn shut_down(socket: &UdpSocket) {
    // SAFETY: takes no memory; the descriptor is open as long as `socket` lives.
    unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_RD) };
}
