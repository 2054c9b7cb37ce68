//! Batches of datagrams for a generator that outruns servers, and cores to run on.
//!
//! All raw system calls of the measurements are in this file.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

use libc::{c_int, c_void, iovec, mmsghdr, msghdr};

/// Datagrams in one call.
pub const BATCH: usize = 64;
/// An answer of these measurements is shorter.
const LENGTH: usize = 1500;

/// This thread runs on one core from now on.
pub fn pin(core: usize) -> io::Result<()> {
    // SAFETY: zeroes are an empty set; the set lives during the call, and its size is its own.
    let result = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What this thread has used.
pub fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a structure that lives during the call.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(result, 0, "every thread has such a clock");
    let part = |number: i64| u64::try_from(number).expect("time used is positive");
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

/// Sends `bytes` as datagrams of `length` bytes each, in one call (UDP_SEGMENT).
pub fn send_segments(socket: &UdpSocket, bytes: &[u8], length: u16) -> io::Result<()> {
    #[repr(C, align(8))]
    struct Control([u8; 32]);
    let mut control = Control([0; 32]);
    let mut vector = iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: zeroes are valid for this structure of integers and pointers. All pointers that are set
    // point at memory that lives during the call, with true lengths; the control buffer is aligned and
    // has room for one message with two bytes of data, which `CMSG_SPACE` says is at most 24.
    let sent = unsafe {
        let mut header: msghdr = std::mem::zeroed();
        header.msg_iov = &mut vector;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = libc::CMSG_SPACE(2) as usize;
        let message = libc::CMSG_FIRSTHDR(&header);
        (*message).cmsg_level = libc::SOL_UDP;
        (*message).cmsg_type = libc::UDP_SEGMENT;
        (*message).cmsg_len = libc::CMSG_LEN(2) as usize;
        libc::CMSG_DATA(message).cast::<u16>().write_unaligned(length);
        libc::sendmsg(socket.as_raw_fd(), &header, 0)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Memory for a batch of datagrams.
pub struct Batch {
    memory: Box<Memory>,
    with_peers: bool,
}

struct Memory {
    packets: [[u8; LENGTH]; BATCH],
    peers: [libc::sockaddr_storage; BATCH],
    vectors: [iovec; BATCH],
    headers: [mmsghdr; BATCH],
}

// === impl Batch ===

impl Batch {
    /// `with_peers`: who sent each is kept, for [`Self::send_back`].
    pub fn new(with_peers: bool) -> Self {
        // SAFETY: byte arrays and plain C structures of integers and pointers, for which zeroes are valid.
        let memory = unsafe { Box::<Memory>::new_zeroed().assume_init() };
        Self { memory, with_peers }
    }

    /// Takes what is there. `wait`: waits for the first one.
    pub fn receive(&mut self, socket: &UdpSocket, wait: bool) -> io::Result<usize> {
        let Memory { packets, peers, vectors, headers } = &mut *self.memory;
        for at in 0..BATCH {
            vectors[at] = iovec { iov_base: packets[at].as_mut_ptr().cast(), iov_len: LENGTH };
            let header = &mut headers[at].msg_hdr;
            header.msg_iov = &mut vectors[at];
            header.msg_iovlen = 1;
            if self.with_peers {
                header.msg_name = ptr::from_mut(&mut peers[at]).cast();
                header.msg_namelen = size_of::<libc::sockaddr_storage>() as u32;
            }
        }
        let flags = if wait { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        // SAFETY: every header points at memory of this batch, which lives longer than the call, with
        // the true lengths.
        let received = unsafe {
            let headers = headers.as_mut_ptr();
            libc::recvmmsg(socket.as_raw_fd(), headers, BATCH as u32, flags, ptr::null_mut())
        };
        usize::try_from(received).map_err(|_| io::Error::last_os_error())
    }

    /// The first `count`, as they were received.
    pub fn packets(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        let headers = &self.memory.headers[..count];
        let packets = self.memory.packets.iter().zip(headers);
        packets.map(|(packet, header)| &packet[..(header.msg_len as usize).min(LENGTH)])
    }

    /// Sends the first `count` to where they came from, as they are.
    pub fn send_back(&mut self, socket: &UdpSocket, count: usize) {
        let Memory { vectors, headers, .. } = &mut *self.memory;
        for at in 0..count {
            vectors[at].iov_len = headers[at].msg_len as usize;
        }
        let mut start = 0;
        while start < count {
            let left = &mut headers[start..count];
            // SAFETY: the headers are those that `receive` filled, and still point at this batch.
            let sent = unsafe {
                libc::sendmmsg(socket.as_raw_fd(), left.as_mut_ptr(), left.len() as u32, 0)
            };
            // One that the system refuses is lost, as on a network.
            start += usize::try_from(sent).unwrap_or(1).max(1);
        }
    }
}

/// Room for so many bytes that wait to be read.
pub fn set_receive_buffer(socket: &UdpSocket, bytes: c_int) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of an integer that lives during the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUFFORCE,
            ptr::from_ref(&bytes).cast::<c_void>(),
            size_of::<c_int>() as u32,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
