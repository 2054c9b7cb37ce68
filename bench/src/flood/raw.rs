//! A socket for packets with headers of our own; all raw system calls of this measurement.

use std::io;
use std::mem;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use libc::{iovec, mmsghdr, sockaddr_in};

/// Packets in one call.
pub const BATCH: usize = 64;

pub struct RawSocket {
    socket: OwnedFd,
    to: sockaddr_in,
}

// === impl RawSocket ===

impl RawSocket {
    /// For packets to one address.
    pub fn open(to: Ipv4Addr) -> io::Result<Self> {
        // SAFETY: the call takes no pointer; what it returns is checked, and owned by nobody else.
        let socket = unsafe {
            let descriptor = libc::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW);
            if descriptor < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(descriptor)
        };
        // SAFETY: zeroes are valid for a structure of integers.
        let mut address: sockaddr_in = unsafe { mem::zeroed() };
        address.sin_family = libc::AF_INET as u16;
        address.sin_addr.s_addr = u32::from(to).to_be();
        Ok(Self { socket, to: address })
    }

    /// Sends a batch, and says how many the system took.
    pub fn send(&mut self, packets: &[Vec<u8>]) -> usize {
        let mut vectors = packets.iter().map(|packet| iovec {
            iov_base: packet.as_ptr().cast_mut().cast(),
            iov_len: packet.len(),
        });
        // SAFETY: zeroes are valid for these structures of integers and pointers.
        let (mut vector, mut headers): ([iovec; BATCH], [mmsghdr; BATCH]) =
            unsafe { (mem::zeroed(), mem::zeroed()) };
        let count = packets.len().min(BATCH);
        for at in 0..count {
            vector[at] = vectors.next().expect("one for each packet");
            let header = &mut headers[at].msg_hdr;
            header.msg_name = (&raw mut self.to).cast();
            header.msg_namelen = size_of::<sockaddr_in>() as u32;
            header.msg_iov = &raw mut vector[at];
            header.msg_iovlen = 1;
        }
        // SAFETY: every header points at an address, a vector and a packet that live during the call, with
        // their true lengths; the system only reads them.
        let sent = unsafe {
            libc::sendmmsg(self.socket.as_raw_fd(), headers.as_mut_ptr(), count as u32, 0)
        };
        usize::try_from(sent).unwrap_or(0)
    }
}
