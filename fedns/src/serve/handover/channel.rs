//! Messages between two processes, with descriptors (SCM_RIGHTS).
//!
//! ```text
//! length 4 | number of descriptors 4 | JSON, `length` bytes | one byte for each group of descriptors
//! ```

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::HandoverError;

/// So many descriptors go in one message; Linux takes up to 253.
const GROUP: usize = 64;
/// No message is longer: serials of 65,535 zones fit.
const LENGTH_MAX: usize = 32 << 20;
/// No server has more sockets.
const DESCRIPTORS_MAX: usize = 65_536;

/// A connection to the other process.
pub struct Channel {
    stream: UnixStream,
}

impl Channel {
    pub fn new(stream: UnixStream) -> Self {
        Self { stream }
    }

    /// The other process's number, if the system knows it.
    pub fn peer(&self) -> Option<u32> {
        let process = self.stream.peer_cred().ok()?.pid()?;
        // One of another name space has no number here.
        process.try_into().ok().filter(|process| *process > 0)
    }

    pub async fn send(
        &mut self,
        message: &impl Serialize,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), HandoverError> {
        let json = serde_json::to_vec(message).map_err(io::Error::from)?;
        let mut bytes = Vec::with_capacity(8 + json.len());
        bytes.extend_from_slice(&(json.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&(descriptors.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&json);
        self.stream.write_all(&bytes).await?;
        for group in descriptors.chunks(GROUP) {
            self.stream.async_io(Interest::WRITABLE, || send_group(&self.stream, group)).await?;
        }
        Ok(())
    }

    /// The next message, if it comes in time.
    pub async fn receive<M: DeserializeOwned>(
        &mut self,
        limit: Duration,
    ) -> Result<(M, Vec<OwnedFd>), HandoverError> {
        match timeout(limit, self.receive_now()).await {
            Ok(received) => received,
            Err(_) => Err(HandoverError::Late(limit.as_secs())),
        }
    }

    async fn receive_now<M: DeserializeOwned>(
        &mut self,
    ) -> Result<(M, Vec<OwnedFd>), HandoverError> {
        let length = self.stream.read_u32().await? as usize;
        let count = self.stream.read_u32().await? as usize;
        if length > LENGTH_MAX || count > DESCRIPTORS_MAX {
            return Err(HandoverError::Unexpected(format!(
                "{length} bytes and {count} descriptors"
            )));
        }
        // Never more than this message: what is read without room for descriptors loses them.
        let mut json = vec![0; length];
        self.stream.read_exact(&mut json).await?;
        let mut descriptors = Vec::new();
        while descriptors.len() < count {
            let group =
                self.stream.async_io(Interest::READABLE, || receive_group(&self.stream)).await?;
            descriptors.extend(group);
        }
        let message = serde_json::from_slice(&json)
            .map_err(|error| HandoverError::Unexpected(format!("what cannot be read ({error})")))?;
        Ok((message, descriptors))
    }
}

fn send_group(stream: &UnixStream, group: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(GROUP))];
    let mut buffer = SendAncillaryBuffer::new(&mut space);
    buffer.push(SendAncillaryMessage::ScmRights(group));
    sendmsg(stream, &[IoSlice::new(&[0])], &mut buffer, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive_group(stream: &UnixStream) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(GROUP))];
    let mut buffer = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received =
        recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut buffer, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for message in buffer.drain() {
        if let RecvAncillaryMessage::ScmRights(group) = message {
            descriptors.extend(group);
        }
    }
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if received.flags.contains(ReturnFlags::CTRUNC) || descriptors.is_empty() {
        return Err(io::Error::other("descriptors were lost: more files are open than may be"));
    }
    Ok(descriptors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Seek, Write};
    use std::os::fd::AsFd;

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn messages_come_with_their_descriptors_in_order() {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut one, mut other) = (Channel::new(one), Channel::new(other));
        let files: Vec<File> = (0..150_u8)
            .map(|number| {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(&[number]).unwrap();
                file.rewind().unwrap();
                file
            })
            .collect();
        let sending = async {
            let all: Vec<_> = files.iter().map(AsFd::as_fd).collect();
            one.send(&"none", &[]).await.unwrap();
            one.send(&"all", &all).await.unwrap();
            one.send(&"one", &all[..1]).await.unwrap();
        };
        let receiving = async {
            let mut counts = Vec::new();
            for wanted in ["none", "all", "one"] {
                let (text, descriptors) = other.receive::<String>(LONG).await.unwrap();
                assert_eq!(text, wanted);
                for (number, descriptor) in descriptors.iter().enumerate() {
                    let mut byte = [0];
                    let mut file = File::from(descriptor.try_clone().unwrap());
                    file.rewind().unwrap();
                    file.read_exact(&mut byte).unwrap();
                    assert_eq!(usize::from(byte[0]), number);
                }
                counts.push(descriptors.len());
            }
            counts
        };
        let ((), counts) = tokio::join!(sending, receiving);
        assert_eq!(counts, [0, 150, 1]);
        assert_eq!(other.peer(), Some(std::process::id()));
    }

    #[tokio::test]
    async fn an_end_a_silence_and_rubbish_are_told_apart() {
        let (one, other) = UnixStream::pair().unwrap();
        let mut one = Channel::new(one);
        let late = one.receive::<String>(Duration::ZERO).await;
        assert!(matches!(late, Err(HandoverError::Late(0))));
        drop(other);
        assert!(matches!(one.receive::<String>(LONG).await, Err(HandoverError::Ended)));
        assert!(matches!(one.send(&"text", &[]).await, Err(HandoverError::Ended)));
        for rubbish in [&[0xff; 8][..], &[0, 0, 0, 1, 0, 0, 0, 0, b'{']] {
            let (one, mut other) = UnixStream::pair().unwrap();
            other.write_all(rubbish).await.unwrap();
            let received = Channel::new(one).receive::<String>(LONG).await;
            assert!(matches!(received, Err(HandoverError::Unexpected(_))), "{received:?}");
        }
    }
}
