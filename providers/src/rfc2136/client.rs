//! Signed questions, updates and zone transfers over TCP. Each is tried once: whoever calls knows when
//! to try again.

mod connection;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Name, RecordType};

use super::error::{Cause, Doing, Error, rcode};
use super::server::Server;
use super::transfer::Transfer;
use super::tsig::{TsigError, TsigKey, Verifier};
use crate::clock::Clock;
use crate::dns_message::{Answer, MESSAGE_LENGTH_MAX, MessageWriter};
use crate::hosted::HostedSet;
use connection::Connection;
pub use connection::Timeouts;

/// What a transfer may take: far more than a zone of a million records.
const TRANSFER_LENGTH_MAX: usize = 512 << 20;
/// Room for the signature.
const SIGNATURE_LENGTH_MAX: usize = 512;

/// One name server and the key that it shares with us.
pub struct Client {
    server: Server,
    key: TsigKey,
    clock: Arc<dyn Clock>,
    timeouts: Timeouts,
}

/// What an answer is to.
struct About<'a> {
    doing: Doing,
    zone: &'a Name,
}

// === impl Client ===

impl Client {
    pub fn new(server: Server, key: TsigKey, clock: Arc<dyn Clock>) -> Self {
        Self { server, key, clock, timeouts: Timeouts::default() }
    }

    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// How many seconds our clock is ahead of the one that this answer was signed by.
    pub fn ahead_of(&self, answer: &Answer) -> Option<i64> {
        let theirs = answer.tsig.as_ref()?.time_signed;
        i64::try_from(i128::from(self.clock.unix().0) - i128::from(theirs)).ok()
    }

    /// The answers to questions, in their order, whatever their codes are.
    pub async fn ask(&self, questions: &[(Name, RecordType)]) -> Result<Vec<Answer>, Error> {
        let mut places = BTreeMap::new();
        let mut requests = Vec::new();
        let first_id = random_id();
        for (index, (name, record_type)) in questions.iter().enumerate() {
            // Those who ask more than 65,536 questions at once do not exist.
            let id = first_id.wrapping_add(index as u16);
            let mut message = MessageWriter::query(name, *record_type).finish(id);
            let verifier = self.sign(&mut message);
            connection::append_framed(&mut requests, &message);
            places.insert(id, (index, verifier));
        }
        let connection =
            Connection::open(&self.server, self.timeouts).await.map_err(|it| self.error(it))?;
        let (mut answers, mut bytes) = (vec![None; questions.len()], Vec::new());
        let (mut reader, mut writer) = connection.into_split();
        let reading = async {
            while let Some((&any, _)) = places.first_key_value() {
                reader.receive(&mut bytes).await?;
                let id = bytes.first_chunk::<2>().map_or(any, |id| u16::from_be_bytes(*id));
                let (index, mut verifier) = places.remove(&id).ok_or(Cause::Malformed)?;
                let about = About { doing: Doing::Query, zone: &questions[index].0 };
                let answer = self.read(&bytes, &mut verifier, &about)?;
                verifier.finish().map_err(|error| self.tsig(error, &about))?;
                answers[index] = Some(answer);
            }
            Ok(())
        };
        // Both at once: a server that waits until we read reads no more itself.
        let done = futures::future::try_join(writer.send(&requests), reading).await;
        done.map_err(|cause| self.error(cause))?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// What a question is answered with that is neither data nor their absence.
    pub(super) fn refusal(&self, answer: &Answer, zone: &Name) -> Error {
        self.error(self.rcode(answer.rcode, &About { doing: Doing::Query, zone }))
    }

    /// Sends an update; an error has the response code.
    pub async fn update(&self, zone: &Name, message: MessageWriter) -> Result<(), Error> {
        if message.len() > MESSAGE_LENGTH_MAX - SIGNATURE_LENGTH_MAX {
            return Err(self.error(Cause::ChangeTooLarge));
        }
        let about = About { doing: Doing::Update, zone };
        self.exchange(message, &about).await.map_err(|cause| self.error(cause))
    }

    async fn exchange(&self, message: MessageWriter, about: &About<'_>) -> Result<(), Cause> {
        let (mut verifier, mut connection) = self.begin(message).await?;
        let mut bytes = Vec::new();
        connection.receive(&mut bytes).await?;
        let answer = self.read(&bytes, &mut verifier, about)?;
        verifier.finish().map_err(|error| self.tsig(error, about))?;
        self.expect_no_error(&answer, about)
    }

    /// Every set of a zone, by AXFR: complete, or an error.
    pub async fn transfer(&self, zone: &Name) -> Result<Vec<HostedSet>, Error> {
        let all = self.receive_transfer(zone, true).await;
        all.map(Transfer::into_sets).map_err(|cause| self.error(cause))
    }

    /// Begins a transfer to see that it is allowed.
    pub async fn try_transfer(&self, zone: &Name) -> Result<(), Error> {
        let begun = self.receive_transfer(zone, false).await;
        begun.map(|_| ()).map_err(|cause| self.error(cause))
    }

    async fn receive_transfer(&self, zone: &Name, whole: bool) -> Result<Transfer, Cause> {
        let about = About { doing: Doing::Transfer, zone };
        let message = MessageWriter::query(zone, RecordType::AXFR);
        let (mut verifier, mut connection) = self.begin(message).await?;
        let mut transfer = Transfer::new(zone);
        let (mut bytes, mut length) = (Vec::new(), 0);
        loop {
            connection.receive(&mut bytes).await?;
            length += bytes.len();
            if length > TRANSFER_LENGTH_MAX {
                return Err(Cause::TooLarge { zone: zone.clone(), limit: TRANSFER_LENGTH_MAX });
            }
            let answer = self.read(&bytes, &mut verifier, &about)?;
            self.expect_no_error(&answer, &about)?;
            transfer.push(answer.answers).map_err(|_| Cause::Malformed)?;
            if transfer.is_complete() || !whole {
                break;
            }
        }
        verifier.finish().map_err(|error| self.tsig(error, &about))?;
        Ok(transfer)
    }

    /// Opens a connection and sends one request.
    async fn begin(&self, message: MessageWriter) -> Result<(Verifier, Connection), Cause> {
        let mut message = message.finish(random_id());
        let verifier = self.sign(&mut message);
        let mut framed = Vec::with_capacity(message.len() + 2);
        connection::append_framed(&mut framed, &message);
        let mut connection = Connection::open(&self.server, self.timeouts).await?;
        connection.send(&framed).await?;
        Ok((verifier, connection))
    }

    fn sign(&self, message: &mut Vec<u8>) -> Verifier {
        self.key.sign(message, self.clock.unix().0)
    }

    fn read(
        &self,
        bytes: &[u8],
        verifier: &mut Verifier,
        about: &About<'_>,
    ) -> Result<Answer, Cause> {
        let answer = Answer::read(bytes).map_err(|_| Cause::Malformed)?;
        let verified = verifier.verify(bytes, answer.tsig.as_ref(), self.clock.unix().0);
        match verified {
            Ok(()) => Ok(answer),
            // A server that does not take our key may well say so without it. Nothing but a refusal is
            // believed of such an answer.
            Err(TsigError::Unsigned) if is_refusal(answer.rcode) => {
                Err(self.rcode(answer.rcode, about))
            }
            Err(error) => Err(self.tsig(error, about)),
        }
    }

    fn expect_no_error(&self, answer: &Answer, about: &About<'_>) -> Result<(), Cause> {
        match answer.rcode {
            rcode::NOERROR => Ok(()),
            code => Err(self.rcode(code, about)),
        }
    }

    fn rcode(&self, rcode: u8, about: &About<'_>) -> Cause {
        let About { doing, zone } = about;
        Cause::Rcode { rcode, doing: *doing, zone: (*zone).clone(), key: self.key.name.clone() }
    }

    fn tsig(&self, error: TsigError, about: &About<'_>) -> Cause {
        Cause::Tsig { key: self.key.name.clone(), doing: about.doing, error }
    }

    pub(super) fn error(&self, cause: Cause) -> Error {
        Error { server: self.server.clone(), cause }
    }
}

fn is_refusal(code: u8) -> bool {
    [rcode::FORMERR, rcode::SERVFAIL, rcode::NOTIMP, rcode::REFUSED, rcode::NOTAUTH].contains(&code)
}

fn random_id() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    // The lowest bits are as random as any.
    RandomState::new().hash_one(0) as u16
}

#[cfg(test)]
mod tests;
