//! In which encoding the bytes of a text are letters.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::path::Path;

use encoding_rs::{Decoder, DecoderResult, UTF_8};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::content::{Digests, Hashed, open, through};
use crate::file_error::{FileError, FileProblem};
use crate::text::problem::TextProblem;

/// An encoding of text by one of its names in the WHATWG's standard, such as `latin1` or `utf-16le`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// What a text is in unless it is said.
    pub const UTF_8: Encoding = Encoding(UTF_8);

    /// Whether it is UTF-8.
    pub(crate) fn is_utf_8(&self) -> bool {
        *self == Encoding::UTF_8
    }
}

impl Default for Encoding {
    fn default() -> Encoding {
        Encoding::UTF_8
    }
}

impl Serialize for Encoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.name().to_ascii_lowercase())
    }
}

impl<'de> Deserialize<'de> for Encoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        encoding_rs::Encoding::for_label_no_replacement(name.as_bytes()).map(Encoding).ok_or_else(|| {
            let known = "utf-8, latin1 (which is windows-1252), iso-8859-2, windows-1251, koi8-r, utf-16le, shift_jis, \
                         gb18030, big5, euc-kr";
            de::Error::custom(format!("no encoding is called `{}`; there are {known} and others", crate::escape::short(&name, 40)))
        })
    }
}

impl JsonSchema for Encoding {
    fn schema_name() -> Cow<'static, str> {
        "Encoding".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// Whether text begins with the mark of UTF-16, which its little-endian form has as `FF FE`.
pub(crate) fn begins_as_utf_16(text: &[u8]) -> bool {
    text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff")
}

/// Gives `read` the text of a file, gzipped or not, as UTF-8, all of which it reads. The digests are of what
/// the file holds.
pub(super) fn open_text<T>(
    path: &Path,
    encoding: Encoding,
    read: impl FnOnce(&mut dyn Read) -> Result<T, FileProblem>,
) -> Result<(T, Digests), FileError> {
    open(path, |file, size| {
        through(file, size, |content, _| {
            let mut content = Hashed::new(content);
            let value = match encoding.is_utf_8() {
                true => read(&mut content)?,
                false => decoded(&mut content, encoding, read)?,
            };
            Ok((value, content.finish()))
        })
    })
}

/// Gives `read` what `source` holds, as UTF-8.
fn decoded<T>(
    source: impl Read,
    encoding: Encoding,
    read: impl FnOnce(&mut dyn Read) -> Result<T, FileProblem>,
) -> Result<T, FileProblem> {
    let mut decoded = Decoded::new(source, encoding);
    let value = read(&mut decoded);
    match decoded.is_wrong {
        true => Err(TextProblem::NotIn { encoding: encoding.0.name() }.at(decoded.lines)),
        false => value,
    }
}

/// What is read through it becomes UTF-8.
struct Decoded<R> {
    source: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What of it is to be decoded.
    rest: Range<usize>,
    is_over: bool,
    text: Vec<u8>,
    /// How much of it was given.
    given: usize,
    /// Which line it has come to, from 1.
    lines: usize,
    /// Whether there are bytes that are no letters.
    is_wrong: bool,
}

const CHUNK: usize = 1 << 14;

impl<R: Read> Decoded<R> {
    fn new(source: R, Encoding(encoding): Encoding) -> Decoded<R> {
        Decoded {
            source,
            // A mark at its beginning says more than a setting.
            decoder: encoding.new_decoder(),
            raw: vec![0; CHUNK],
            rest: 0..0,
            is_over: false,
            text: Vec::new(),
            given: 0,
            lines: 1,
            is_wrong: false,
        }
    }

    /// Decodes more, if there is more.
    fn decode(&mut self) -> io::Result<()> {
        self.text.resize(CHUNK, 0);
        self.given = 0;
        loop {
            if self.rest.is_empty() && !self.is_over {
                let read = self.source.read(&mut self.raw)?;
                (self.rest, self.is_over) = (0..read, read == 0);
            }
            let raw = &self.raw[self.rest.clone()];
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(raw, &mut self.text, self.is_over);
            self.rest.start += read;
            self.lines += self.text[..written].iter().filter(|&&byte| byte == b'\n').count();
            if let DecoderResult::Malformed(..) = result {
                self.is_wrong = true;
                return Err(ErrorKind::InvalidData.into());
            }
            if written > 0 || self.is_over {
                self.text.truncate(written);
                return Ok(());
            }
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() && !(self.is_over && self.rest.is_empty()) {
            self.decode()?;
        }
        let count = buffer.len().min(self.text.len() - self.given);
        buffer[..count].copy_from_slice(&self.text[self.given..][..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn text(name: &str, bytes: &[u8]) -> Result<String, String> {
        let encoding: Encoding = serde_json::from_value(name.into()).map_err(|error| error.to_string())?;
        let mut text = String::new();
        let read = decoded(bytes, encoding, |content| Ok(content.read_to_string(&mut text)?));
        read.map(|_| text).map_err(|error| error.to_string())
    }

    #[test]
    fn bytes_become_letters() {
        assert_eq!(text("latin1", b"caf\xe9\n\xfcber").unwrap(), "café\nüber");
        assert_eq!(text("utf-16le", b"\xff\xfea\0\xe4\0").unwrap(), "aä", "without its mark");
        assert_eq!(text("shift_jis", b"\x93\xfa\x96\x7b").unwrap(), "日本");
        assert_eq!(text("utf-16le", b"\xfe\xff\0a").unwrap(), "a", "the other way round, as its mark says");
        assert_eq!(text("latin1", b"").unwrap(), "");
        let long = [b'\xe9'; 3 * CHUNK];
        assert_eq!(text("iso-8859-2", &long).unwrap(), "é".repeat(3 * CHUNK));
    }

    #[test]
    fn what_is_not_in_it_is_refused_by_line() {
        let error = text("shift_jis", b"a\nb\n\xfd\xff").unwrap_err();
        assert!(error.starts_with("line 3: is not text in Shift_JIS"), "{error}");
        assert!(text("utf-16le", b"a\0\n\0b").unwrap_err().starts_with("line 2: "), "half a letter");
        for none in ["klingon", "hz-gb-2312"] {
            assert!(text(none, b"").unwrap_err().starts_with("no encoding is called"), "{none}");
        }
    }
}
