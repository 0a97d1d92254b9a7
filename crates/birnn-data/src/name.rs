//! Names of files as text. On Unix a name is any bytes; where they are no UTF-8, text must still tell one name from another.

use std::ffi::OsStr;
use std::path::Path;

use serde::Serializer;

/// A name as text: UTF-8 as it is, any other byte as `\xE9`.
pub fn text(name: impl AsRef<OsStr>) -> String {
    let mut text = String::new();
    for chunk in name.as_ref().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

/// The first few of some names, and how many more there are.
pub fn first(names: &[String]) -> String {
    const MOST: usize = 10;
    match names.len().saturating_sub(MOST) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..MOST].join(", ")),
    }
}

/// For `#[serde(serialize_with)]`: a path by its [`text`]. Serde's own way is an error where a path is no UTF-8.
pub fn serialize<S: Serializer>(
    path: &(impl AsRef<Path> + ?Sized),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(path.as_ref()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn utf_8_stays_and_other_bytes_are_told_apart() {
        let cases: [(&[u8], &str); 5] = [
            (b"plain.png", "plain.png"),
            ("é/ü".as_bytes(), "é/ü"),
            (b"caf\xe9.png", "caf\\xE9.png"),
            (b"\xff\xfe", "\\xFF\\xFE"),
            (b"\xe9\xc3\xa9", "\\xE9é"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(text(OsStr::from_bytes(bytes)), expected);
        }
    }
}
