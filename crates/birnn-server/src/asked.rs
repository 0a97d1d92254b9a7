//! What a request asks about: pictures, series or sentences, out of its body.

use std::iter;

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use birnn_data::{Images, Modality, Sentences, Sequence, Sequences, Unit, Values, escape, picture};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::limits::Limits;
use crate::problem::Problem;

/// The body of a request, and what it is.
#[derive(Debug)]
pub(crate) enum Body {
    /// A picture's file.
    Picture(Bytes),
    /// [`Asked`].
    Json(Bytes),
}

/// What to answer, as JSON: one of these, as the network reads it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Of a network of images: PNG, JPEG, BMP or PNM files, each in base64.
    images: Option<Vec<String>>,
    /// Of a network of images: of each its grey levels as the network reads them, one byte for each, row by
    /// row, in base64.
    pixels: Option<Vec<String>>,
    /// Of a network of series: of each its steps, and of each step its values, in their own units; of one
    /// feature the number alone. `null` is a value that is missing.
    series: Option<Vec<Vec<Step>>>,
    /// Of a network of words or characters: of each its tokens; or a text, which is parted as its training
    /// data was.
    sentences: Option<Vec<Sentence>>,
}

/// A step of a series.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum Step {
    Value(Option<f32>),
    Values(Vec<Option<f32>>),
}

/// A text, or its tokens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum Sentence {
    Text(String),
    Tokens(Vec<String>),
}

/// How long samples are that are asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) images: usize,
    /// Of series and texts.
    pub(crate) steps: usize,
    /// Of texts.
    pub(crate) characters: usize,
}

impl Asked {
    /// What a body of JSON asks.
    pub(crate) fn parse(json: &[u8]) -> Result<Asked, Problem> {
        serde_json::from_slice(json).map_err(|error| Problem::unanswerable(unlike(json, &error)))
    }

    /// Of all samples together; `None` where files of pictures are to be read.
    pub(crate) fn length(&self) -> Option<Length> {
        let Asked { images, pixels, series, sentences } = self;
        let mut length = Length { images: pixels.as_ref().map_or(0, Vec::len), ..Length::default() };
        length.steps += series.iter().flatten().map(Vec::len).sum::<usize>();
        for sentence in sentences.iter().flatten() {
            let (steps, characters) = match sentence {
                Sentence::Text(text) => (text.len(), text.len()),
                Sentence::Tokens(tokens) => (tokens.len(), tokens.iter().map(String::len).sum()),
            };
            length.steps += steps;
            length.characters += characters;
        }
        images.is_none().then_some(length)
    }
}

/// Why a body is not what is asked for. What a client has sent is not sent back.
fn unlike(json: &[u8], error: &serde_json::Error) -> String {
    if json.is_empty() {
        return "the body is empty".to_owned();
    }
    if !error.is_data() {
        let hint = match json.trim_ascii_start().starts_with(b"{") {
            true => "",
            false => "; a picture's file is sent with `Content-Type: image/png` and the like",
        };
        return format!("the body cannot be read as JSON: {error}{hint}");
    }
    let Ok(Value::Object(object)) = serde_json::from_slice(json) else {
        return "the body is no object with `images`, `pixels`, `series` or `sentences`".to_owned();
    };
    let forms = [
        ("images", "a list of pictures' files, each a string in base64"),
        ("pixels", "a list of images, each the bytes of its pixels as a string in base64"),
        (
            "series",
            "a list of series, each a list of its steps: numbers, or lists of numbers, where null is missing",
        ),
        ("sentences", "a list of sentences, each a text or a list of tokens"),
    ];
    if let Some(other) = object.keys().find(|key| forms.iter().all(|(known, _)| key != known)) {
        let other = escape::short(other, 40);
        return format!("unknown field `{other}`; there are `images`, `pixels`, `series` and `sentences`");
    }
    let given = forms.iter().filter(|(key, _)| object.contains_key(*key));
    let given: Vec<String> = given.map(|(key, form)| format!("`{key}` is {form}")).collect();
    format!("{}; line {}, column {} is not", given.join(", "), error.line(), error.column())
}

impl Body {
    /// Its bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Body::Picture(bytes) | Body::Json(bytes) => bytes.len(),
        }
    }
}

/// The bytes that a text in base64 stands for.
fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let told = |error| {
        format!("is no base64, in one line, with its padding and without a `data:` URL's beginning: {error}")
    };
    STANDARD.decode(text).map_err(told)
}

/// How a network has samples read, and within what limits.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) modality: Modality,
    /// What the tokens of a text are.
    pub(crate) unit: Unit,
    pub(crate) limits: Limits,
}

/// The samples of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Samples {
    /// Their pixels.
    Images(Vec<u8>),
    Series {
        values: Vec<f32>,
        lengths: Vec<usize>,
    },
    Sentences(Vec<Vec<String>>),
}

impl Reader {
    /// The samples of a body; at least one.
    pub(crate) fn read(&self, body: &Body) -> Result<Samples, Problem> {
        match body {
            Body::Picture(bytes) if bytes.is_empty() => Err(Problem::unanswerable("the body is empty")),
            Body::Picture(bytes) => Ok(Samples::Images(self.picture(bytes, &mut 0)?)),
            Body::Json(bytes) => self.samples(Asked::parse(bytes)?),
        }
    }

    fn wants(&self, modality: &Modality, found: &str) -> Problem {
        let (noun, key) = match modality {
            Modality::Images { .. } => ("images", "`images`, or a picture's file as the body"),
            Modality::Series(_) => ("series", "`series`"),
            Modality::Text(_) => ("sentences", "`sentences`"),
        };
        Problem::unanswerable(format!("the network reads {noun}, and this is {found}; send {key}"))
    }

    /// The samples that it asks about; at least one.
    pub(crate) fn samples(&self, asked: Asked) -> Result<Samples, Problem> {
        let Asked { images, pixels, series, sentences } = asked;
        let given = [
            ("images", images.is_some()),
            ("pixels", pixels.is_some()),
            ("series", series.is_some()),
            ("sentences", sentences.is_some()),
        ];
        let given: Vec<&str> = given.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
        let found = match given.as_slice() {
            [] => "none of these".to_owned(),
            names => format!("`{}`", names.join("`, `")),
        };
        match (&self.modality, images, pixels, series, sentences) {
            (Modality::Images { shape, .. }, Some(images), None, None, None) => self.images(*shape, &images),
            (Modality::Images { shape, .. }, None, Some(pixels), None, None) => self.pixels(*shape, &pixels),
            (Modality::Series(net), None, None, Some(series), None) => self.series(net, series),
            (Modality::Text(_), None, None, None, Some(sentences)) => self.sentences(sentences),
            (modality, ..) => Err(self.wants(modality, &found)),
        }
    }

    /// Images as they are read.
    fn pixels(&self, [rows, cols]: [usize; 2], pixels: &[String]) -> Result<Samples, Problem> {
        if pixels.is_empty() {
            return Err(Problem::unanswerable("`pixels` is empty: there is nothing to answer"));
        }
        self.check_steps(iter::repeat_n(rows, pixels.len()))?;
        // As large as the body at most, whatever it says: each is held against its size.
        let mut all = Vec::new();
        for (index, image) in pixels.iter().enumerate() {
            let at = |detail: String| Problem::unanswerable(format!("pixels[{index}]: {detail}"));
            let own = decoded(image).map_err(at)?;
            if own.len() != rows * cols {
                let found = own.len();
                let pixels = rows * cols;
                return Err(at(format!("has {found} bytes, and an image {pixels}: {rows} rows of {cols}")));
            }
            all.extend(own);
        }
        Ok(Samples::Images(all))
    }

    fn images(&self, [rows, cols]: [usize; 2], images: &[String]) -> Result<Samples, Problem> {
        if images.is_empty() {
            return Err(Problem::unanswerable("`images` is empty: there is nothing to answer"));
        }
        self.check_steps(iter::repeat_n(rows, images.len()))?;
        // A picture of few bytes becomes one of the net's size.
        let (made, most) = ((images.len() * rows * cols) as u64, self.limits.pixels);
        if made > most {
            return Err(Problem::unanswerable(format!(
                "{made} pixels of {rows} x {cols} images, and {most} are answered at once; send fewer at a time"
            )));
        }
        let (mut pixels, mut seen) = (Vec::new(), 0);
        for (index, image) in images.iter().enumerate() {
            let at = |detail: String| Problem::unanswerable(format!("images[{index}]: {detail}"));
            let file = decoded(image).map_err(at)?;
            if file.is_empty() {
                return Err(at("is empty".to_owned()));
            }
            pixels.extend(self.picture(&file, &mut seen).map_err(|problem| at(problem.detail))?);
        }
        Ok(Samples::Images(pixels))
    }

    /// The pixels of an image, out of a picture's file; `seen` counts those of the files, which are small
    /// where the picture is of one colour, however many they are.
    fn picture(&self, file: &[u8], seen: &mut u64) -> Result<Vec<u8>, Problem> {
        let Modality::Images { shape, preprocessing } = &self.modality else {
            return Err(self.wants(&self.modality, "a picture"));
        };
        let size = picture::size(file).map_err(Problem::unanswerable)?;
        let [width, height] = size.map(u64::from);
        *seen += width * height;
        if *seen > self.limits.pixels {
            let before = if *seen > width * height { ", with those before," } else { "" };
            return Err(Problem::unanswerable(format!(
                "its {width} x {height} pixels{before} are more than the {} that are read at once; send smaller ones",
                self.limits.pixels
            )));
        }
        picture::parse(file, *shape, &preprocessing.unwrap_or_default()).map_err(Problem::unanswerable)
    }

    fn series(&self, net: &birnn_data::Series, series: Vec<Vec<Step>>) -> Result<Samples, Problem> {
        if series.is_empty() {
            return Err(Problem::unanswerable("`series` is empty: there is nothing to answer"));
        }
        let features = net.features();
        self.check_steps(series.iter().map(Vec::len))?;
        let (mut values, mut lengths) = (Vec::new(), Vec::with_capacity(series.len()));
        for (index, steps) in series.into_iter().enumerate() {
            let at = |detail: String| Problem::unanswerable(format!("series[{index}]: {detail}"));
            if steps.is_empty() {
                return Err(at("has no step".to_owned()));
            }
            lengths.push(steps.len());
            let begin = values.len();
            for (step, own) in steps.into_iter().enumerate() {
                let own = match own {
                    Step::Value(value) => vec![value],
                    Step::Values(own) => own,
                };
                if own.len() != features {
                    let found = own.len();
                    return Err(at(format!(
                        "step {} has {found} values, and the network reads {features}",
                        step + 1
                    )));
                }
                values.extend(own.into_iter().map(|value| value.unwrap_or(f32::NAN)));
            }
            let own = Sequence::of_series(&values[begin..], features);
            if let Some(problem) = net.refuses(own) {
                return Err(at(problem));
            }
            if values[begin..].iter().any(|value| value.is_infinite()) {
                return Err(at("a value is too large for 32 bits".to_owned()));
            }
        }
        Ok(Samples::Series { values, lengths })
    }

    fn sentences(&self, sentences: Vec<Sentence>) -> Result<Samples, Problem> {
        if sentences.is_empty() {
            return Err(Problem::unanswerable("`sentences` is empty: there is nothing to answer"));
        }
        // Before each token is a text of its own, which takes many times as much.
        self.check_steps(sentences.iter().map(|sentence| match sentence {
            Sentence::Tokens(tokens) => tokens.len(),
            Sentence::Text(text) => self.unit.tokens(text).count(),
        }))?;
        let tokens = |sentence| match sentence {
            Sentence::Tokens(tokens) => tokens,
            Sentence::Text(text) => self.unit.tokens(&text).map(str::to_owned).collect(),
        };
        let sentences: Vec<Vec<String>> = sentences.into_iter().map(tokens).collect();
        for (index, tokens) in sentences.iter().enumerate() {
            let at = |detail: String| Problem::unanswerable(format!("sentences[{index}]: {detail}"));
            if tokens.is_empty() {
                return Err(at("has no token".to_owned()));
            }
            for (place, token) in tokens.iter().enumerate() {
                let length = token.chars().count();
                if length == 0 || length > self.limits.token {
                    let most = self.limits.token;
                    return Err(at(format!("token {} has {length} characters, not 1 to {most}", place + 1)));
                }
            }
        }
        Ok(Samples::Sentences(sentences))
    }

    fn check_steps(&self, lengths: impl Iterator<Item = usize>) -> Result<(), Problem> {
        let (steps, most) = (lengths.sum::<usize>(), self.limits.steps);
        match steps > most {
            true => Err(Problem::unanswerable(format!(
                "{steps} steps in all, and {most} are answered at once; send fewer at a time"
            ))),
            false => Ok(()),
        }
    }

    /// The samples of several requests as sequences, one request after the other.
    pub(crate) fn gather<'a>(&self, requests: impl Iterator<Item = &'a Samples>) -> Sequences {
        match &self.modality {
            Modality::Images { shape: [rows, cols], .. } => {
                let mut pixels = Vec::new();
                requests.for_each(|samples| {
                    if let Samples::Images(own) = samples {
                        pixels.extend_from_slice(own);
                    }
                });
                Images { rows: *rows, cols: *cols, pixels }.into()
            }
            Modality::Series(net) => {
                let (mut all, mut all_lengths) = (Vec::new(), Vec::new());
                requests.for_each(|samples| {
                    if let Samples::Series { values, lengths } = samples {
                        all.extend_from_slice(values);
                        all_lengths.extend_from_slice(lengths);
                    }
                });
                Sequences::new(Values::Floats(all), net.features(), all_lengths)
            }
            Modality::Text(_) => {
                let mut sentences = Sentences::default();
                requests.for_each(|samples| {
                    let Samples::Sentences(own) = samples else { return };
                    for tokens in own {
                        tokens.iter().for_each(|token| sentences.push(token));
                        sentences.end();
                    }
                });
                sentences.finish()
            }
        }
    }

    /// How many samples these are.
    pub(crate) fn count(&self, samples: &Samples) -> usize {
        match (samples, &self.modality) {
            (Samples::Images(pixels), Modality::Images { shape: [rows, cols], .. }) => {
                pixels.len() / (rows * cols)
            }
            (Samples::Images(_), _) => 0,
            (Samples::Series { lengths, .. }, _) => lengths.len(),
            (Samples::Sentences(sentences), _) => sentences.len(),
        }
    }
}
