use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    Vec::new()
}
