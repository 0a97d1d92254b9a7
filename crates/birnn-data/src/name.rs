//! Names of files as text. On Unix a name is any bytes, UTF-8 or not, and text must still tell one name from
//! another.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use serde::Serializer;

/// A name as text: UTF-8 as it is, any other byte as `\xE9`. The backslash of a name that has just that in
/// it is `\x5C`.
pub fn text(name: impl AsRef<OsStr>) -> String {
    shown(name.as_ref()).to_string()
}

/// A name that is displayed as its [`text`].
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(&'a OsStr);

/// For messages: `name`, displayed as its [`text`].
pub fn shown<Name: AsRef<OsStr> + ?Sized>(name: &Name) -> Shown<'_> {
    Shown(name.as_ref())
}

/// A path as it can be typed for a shell: in quotes where it has to be, and never taken for an option.
pub fn typed(path: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./+=:@%,".contains(byte) || !byte.is_ascii();
    let told = text(path);
    let told = if told.starts_with('-') { format!("./{told}") } else { told };
    match !told.is_empty() && told.as_bytes().iter().all(plain) {
        true => told,
        false => format!("'{}'", told.replace('\'', r"'\''")),
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_encoded_bytes().utf8_chunks() {
            for (index, part) in chunk.valid().split('\\').enumerate() {
                match part.as_bytes() {
                    _ if index == 0 => {}
                    [b'x', first, second, ..] if [first, second].into_iter().all(is_digit) => {
                        f.write_str("\\x5C")?;
                    }
                    _ => f.write_str("\\")?,
                }
                f.write_str(part)?;
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// Whether a byte is a digit of an escape.
fn is_digit(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

/// The first few of some names, and how many more there are.
pub fn first(names: &[String]) -> String {
    const MOST: usize = 10;
    match names.len().saturating_sub(MOST) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..MOST].join(", ")),
    }
}

/// For `#[serde(serialize_with)]`: a path by its [`text`]. Serde's own way is an error where a path is no
/// UTF-8.
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
    fn what_is_typed_is_one_argument() {
        for (path, expected) in [
            ("runs/bilstm/001", "runs/bilstm/001"),
            ("läufe/a+b", "läufe/a+b"),
            ("my run", "'my run'"),
            ("it's", r"'it'\''s'"),
            ("-x", "./-x"),
            ("- x", "'./- x'"),
            ("a;b$c", "'a;b$c'"),
            ("~/a", "'~/a'"),
            ("", "''"),
        ] {
            assert_eq!(typed(Path::new(path)), expected, "{path}");
            if expected.starts_with('\'') {
                let echo =
                    std::process::Command::new("sh").args(["-c", &format!("printf %s {expected}")]).output();
                let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
                assert_eq!(String::from_utf8(echo.unwrap().stdout).unwrap(), path);
            }
        }
    }

    #[test]
    fn an_error_tells_one_file_from_another() {
        let error = |name: &[u8]| {
            let path = Path::new(OsStr::from_bytes(name)).join("x");
            crate::FileProblem::Empty("0 images".to_owned()).at(&path).to_string()
        };
        assert!(error(b"d\xe9").starts_with("d\\xE9/x: "), "{}", error(b"d\xe9"));
        assert_ne!(error(b"d\xe9"), error(b"d\xea"));
    }

    #[test]
    fn utf_8_stays_and_other_bytes_are_told_apart() {
        let cases: [(&[u8], &str); 9] = [
            (b"plain.png", "plain.png"),
            ("é/ü".as_bytes(), "é/ü"),
            (b"caf\xe9.png", "caf\\xE9.png"),
            (b"\xff\xfe", "\\xFF\\xFE"),
            (b"\xe9\xc3\xa9", "\\xE9é"),
            // What looks like it and is none.
            (b"\\xE9", "\\x5CxE9"),
            (b"\\x5CxE9", "\\x5Cx5CxE9"),
            (b"a\\xyz\\x4\\", "a\\xyz\\x4\\"),
            (b"\\x\xe9", "\\x\\xE9"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(text(OsStr::from_bytes(bytes)), expected);
        }
    }
}
