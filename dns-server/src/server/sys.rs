//! Batches of datagrams, and what else the standard library does not have: socket options, clocks
//! that cost next to nothing, and randomness.
//!
//! All raw system calls of the crate are in this file.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::thread::JoinHandleExt;
use std::ptr;
use std::sync::Once;
use std::thread::JoinHandle;

use libc::{c_int, c_void, iovec, mmsghdr, sockaddr_storage};

use crate::respond::UDP_SIZE_MAX;

/// Most datagrams in one system call.
pub(crate) const BATCH: usize = 32;
/// Queries are shorter; of a longer one the rest is lost, and it is malformed.
const PACKET_LENGTH: usize = 2048;
/// So many a set of CPUs has room for.
pub const CPUS_MAX: usize = libc::CPU_SETSIZE as usize;
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
    peers: &'b [sockaddr_storage],
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
        let Memory { packets, answers, peers, answer_vectors, received, to_send, .. } =
            &mut *self.memory;
        let received = &received[..count];
        let packets = Packets { packets: &packets[..count], received, peers };
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

    /// Who sent the packet at `index`.
    #[inline]
    pub fn peer(&self, index: usize) -> IpAddr {
        let peer = ptr::from_ref(&self.peers[index]);
        match c_int::from(self.peers[index].ss_family) {
            libc::AF_INET => {
                // SAFETY: an IPv4 address is in this structure, for which there is room.
                let peer = unsafe { &*peer.cast::<libc::sockaddr_in>() };
                IpAddr::V4(Ipv4Addr::from(peer.sin_addr.s_addr.to_ne_bytes()))
            }
            _ => {
                // SAFETY: our sockets have two families, and this is the other one's structure.
                // For any other there would be room, too, and any bytes are an address.
                let peer = unsafe { &*peer.cast::<libc::sockaddr_in6>() };
                IpAddr::V6(Ipv6Addr::from(peer.sin6_addr.s6_addr))
            }
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

/// What [`ignore_path_mtu`] set.
#[cfg(test)]
fn path_mtu_mode(socket: &UdpSocket, ip: IpAddr) -> c_int {
    let (level, option) = match ip {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER),
    };
    let mut value: c_int = -1;
    let mut length = size_of::<c_int>() as u32;
    // SAFETY: the pointers are to integers that live during the call, the length is the true one.
    let result = unsafe {
        let value = ptr::from_mut(&mut value).cast::<c_void>();
        libc::getsockopt(socket.as_raw_fd(), level, option, value, &mut length)
    };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    value
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

// === clocks and randomness ===

/// Nanoseconds since some point in the past, in steps of some milliseconds.
pub(crate) fn coarse_nanoseconds() -> u64 {
    let time = clock(libc::CLOCK_MONOTONIC_COARSE);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Unix time modulo 2^32.
pub(crate) fn unix_seconds() -> u32 {
    clock(libc::CLOCK_REALTIME_COARSE).tv_sec as u32
}

/// These clocks are there on every Linux; a call that fails leaves zero.
fn clock(clock: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a structure that lives during the call.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time
}

/// From the system, for keys.
pub(crate) fn random_bytes<const COUNT: usize>() -> io::Result<[u8; COUNT]> {
    const { assert!(COUNT <= 256, "so many bytes come whole") };
    let mut bytes = [0; COUNT];
    // SAFETY: pointer and length are those of the array.
    let filled = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), COUNT, 0) };
    if usize::try_from(filled) == Ok(COUNT) { Ok(bytes) } else { Err(io::Error::last_os_error()) }
}

/// Who gets it does nothing by default, so that one too many does no harm.
const INTERRUPT: c_int = libc::SIGURG;

/// Before this, [`interrupt`] ends no wait.
pub(crate) fn allow_interrupts() {
    extern "C" fn nothing(_: c_int) {}
    static DONE: Once = Once::new();
    // SAFETY: zeroes are valid for the structure: no flags, so that system calls are not begun again,
    // and no masked signals. The handler does nothing, which is safe at any moment.
    DONE.call_once(|| unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        libc::sigaction(INTERRUPT, &raw const action, ptr::null_mut());
    });
}

/// Ends a system call that the thread waits in; none if it is not waiting yet.
pub(crate) fn interrupt(thread: &JoinHandle<()>) {
    // SAFETY: a thread whose handle is neither joined nor dropped is still known to the system.
    unsafe { libc::pthread_kill(thread.as_pthread_t(), INTERRUPT) };
}

/// Keeps a thread on one CPU.
pub(crate) fn pin(thread: &JoinHandle<()>, cpu: usize) -> io::Result<()> {
    // SAFETY: zeroes are an empty set; the set's true size is given; a thread whose handle is neither
    // joined nor dropped is still known to the system.
    let error = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::pthread_setaffinity_np(thread.as_pthread_t(), size_of_val(&set), &raw const set)
    };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// The CPUs that this process may use, in order.
///
/// # Errors
///
/// What the system says.
pub fn usable_cpus() -> io::Result<Vec<usize>> {
    // SAFETY: zeroes are an empty set; the set's true size is given; the bits that are read are in it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((0..CPUS_MAX).filter(|cpu| libc::CPU_ISSET(*cpu, &set)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::bind::Sockets;

    #[test]
    fn rfc9715_3_1_path_mtu_messages_are_not_believed() {
        for (address, expect) in [
            ("127.0.0.1:0", libc::IP_PMTUDISC_OMIT),
            ("0.0.0.0:0", libc::IP_PMTUDISC_OMIT),
            ("[::1]:0", libc::IPV6_PMTUDISC_OMIT),
            ("[::]:0", libc::IPV6_PMTUDISC_OMIT),
        ] {
            let sockets =
                Sockets::bind(address.parse().unwrap(), 2, Vec::new(), Vec::new()).unwrap();
            for socket in &sockets.udp {
                assert_eq!(path_mtu_mode(socket, sockets.address.ip()), expect, "{address}");
            }
        }
    }

    #[test]
    fn the_clocks_go_and_random_bytes_differ() {
        let before = coarse_nanoseconds();
        let system = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seconds = i128::from(unix_seconds()) - i128::from(system.as_secs() as u32);
        assert!(seconds.abs() <= 60, "{seconds}");
        assert!(before > 0 && coarse_nanoseconds() >= before);
        assert_ne!(random_bytes::<16>().unwrap(), random_bytes::<16>().unwrap());
    }
}
