use tests::suite::Test;

/// What the command line refuses, and what it prints without changing anything.
mod words;

/// A control plane in containers.
mod init;

pub(crate) fn tests() -> Vec<Test> {
    [words::tests(), init::tests()].into_iter().flatten().collect()
}
