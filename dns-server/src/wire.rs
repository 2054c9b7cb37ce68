//! Uncompressed names as bytes, where a [`model::Name`] would have to be made first.

/// The length of the name that `bytes` begin with; None where they begin with none.
pub(crate) fn name_length(bytes: &[u8]) -> Option<usize> {
    let mut position = 0;
    loop {
        let length = usize::from(*bytes.get(position)?);
        position += 1 + length;
        match length {
            0 => return (position <= 255).then_some(position),
            1..=63 => {}
            _ => return None,
        }
    }
}

/// True for a name and nothing behind it.
pub(crate) fn is_name(bytes: &[u8]) -> bool {
    name_length(bytes) == Some(bytes.len())
}

/// How many labels a well-formed name has, without the root.
pub(crate) fn label_count(name: &[u8]) -> usize {
    let mut name = name;
    let mut count = 0;
    while name[0] != 0 {
        name = parent(name);
        count += 1;
    }
    count
}

/// A well-formed name other than the root without its first label.
pub(crate) fn parent(name: &[u8]) -> &[u8] {
    &name[1 + usize::from(name[0])..]
}

/// Both are well-formed names in lower case.
pub(crate) fn is_at_or_below(name: &[u8], ancestor: &[u8]) -> bool {
    let mut name = name;
    while name.len() > ancestor.len() {
        name = parent(name);
    }
    name == ancestor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_measured() {
        assert_eq!(name_length(b"\0rest"), Some(1));
        assert_eq!(name_length(b"\x01a\x02bc\0rest"), Some(6));
        for broken in [&b""[..], b"\x01", b"\x01a", b"\x40", b"\xc0\x0c"] {
            assert_eq!(name_length(broken), None, "{broken:?}");
        }
        let longest = [&[63; 64][..], &[63; 64], &[63; 64], &[61; 62], &[0]].concat();
        assert_eq!(name_length(&longest), Some(255));
        let longer = [&[63; 64][..], &[63; 64], &[63; 64], &[62; 63], &[0]].concat();
        assert_eq!(name_length(&longer), None);
        assert_eq!(label_count(b"\x01a\x02bc\0"), 2);
        assert!(is_name(b"\0") && !is_name(b"\0\0"));
    }

    #[test]
    fn ancestry_goes_by_labels() {
        assert!(is_at_or_below(b"\x01a\x01b\0", b"\x01b\0"));
        assert!(is_at_or_below(b"\x01b\0", b"\x01b\0"));
        assert!(is_at_or_below(b"\x01b\0", b"\0"));
        assert!(!is_at_or_below(b"\x03a\x01b\0", b"\x01b\0"));
        assert!(!is_at_or_below(b"\0", b"\x01b\0"));
    }
}
