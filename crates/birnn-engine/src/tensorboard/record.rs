//! What an event file is made of: records with checksums, and the values in them.

use prost::Message;

use super::proto::{
    Content, Dim, Event, HParams, HParamsPluginData, HistogramProto, Image, PluginData, Summary,
    SummaryMetadata, TensorProto, TensorShapeProto, Value, What,
};

const FLOAT: i32 = 1;
const STRING: i32 = 7;
/// As many as TensorBoard draws.
const BUCKETS: usize = 30;

/// The first record of a file.
pub(super) fn version() -> Vec<u8> {
    record(0, What::FileVersion("brain.Event:2".to_owned()))
}

/// A record of values at a step.
pub(super) fn summary(step: usize, value: Vec<Value>) -> Vec<u8> {
    record(step, What::Summary(Summary { value }))
}

/// Length, its checksum, the event, its checksum: a TFRecord.
fn record(step: usize, what: What) -> Vec<u8> {
    let event =
        Event { wall_time: birnn_run::clock::seconds(), step: step as i64, what: Some(what) }.encode_to_vec();
    let length = (event.len() as u64).to_le_bytes();
    [&length[..], &masked_crc(&length), &event, &masked_crc(&event)].concat()
}

/// The checksum of a TFRecord: CRC-32C, rotated and shifted, so that it differs from one of data that hold
/// such sums.
fn masked_crc(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// A number that changes from step to step.
pub(super) fn scalar(tag: &str, value: f64) -> Value {
    Value { tag: tag.to_owned(), metadata: None, content: Some(Content::SimpleValue(value as f32)) }
}

/// How finite `values` are spread.
pub(super) fn histogram(tag: String, values: &[f32]) -> Value {
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut sum, mut sum_squares) = (0.0, 0.0);
    for value in values.iter().copied().map(f64::from) {
        (min, max) = (value.min(min), value.max(max));
        (sum, sum_squares) = (sum + value, sum_squares + value * value);
    }
    // Where all are the same, the one bucket has no width.
    let buckets = if min < max { BUCKETS } else { 1 };
    let width = (max - min) / buckets as f64;
    let mut bucket = vec![0.0; buckets];
    for value in values.iter().copied().map(f64::from) {
        bucket[(((value - min) / width) as usize).min(buckets - 1)] += 1.0;
    }
    let end = |index| if index + 1 == buckets { max } else { min + width * (index + 1) as f64 };
    let bucket_limit = (0..buckets).map(end).collect();
    let num = values.len() as f64;
    let histogram = HistogramProto { min, max, num, sum, sum_squares, bucket_limit, bucket };
    Value { tag, metadata: None, content: Some(Content::Histo(histogram)) }
}

/// A PNG of so many rows and columns, in colour.
pub(super) fn image(tag: String, png: Vec<u8>, [rows, cols]: [usize; 2]) -> Value {
    let image = Image { height: rows as i32, width: cols as i32, colorspace: 3, encoded_image_string: png };
    Value { tag, metadata: None, content: Some(Content::Image(image)) }
}

/// A text in Markdown.
pub(super) fn text(tag: String, markdown: String) -> Value {
    let tensor_shape = Some(TensorShapeProto { dim: vec![Dim { size: 1 }] });
    let tensor = TensorProto { dtype: STRING, tensor_shape, string_val: vec![markdown.into_bytes()] };
    let plugin = PluginData { plugin_name: "text".to_owned(), content: Vec::new() };
    Value { tag, metadata: metadata(plugin), content: Some(Content::Tensor(tensor)) }
}

/// What the page of settings and results reads. Only the metadata counts; a value has to be there all the
/// same.
pub(super) fn hparams(tag: &str, data: HParams) -> Value {
    let content = HParamsPluginData { data: Some(data) }.encode_to_vec();
    let plugin = PluginData { plugin_name: "hparams".to_owned(), content };
    let tensor_shape = Some(TensorShapeProto::default());
    let tensor = TensorProto { dtype: FLOAT, tensor_shape, string_val: Vec::new() };
    Value {
        tag: format!("_hparams_/{tag}"),
        metadata: metadata(plugin),
        content: Some(Content::Tensor(tensor)),
    }
}

fn metadata(plugin: PluginData) -> Option<SummaryMetadata> {
    Some(SummaryMetadata { plugin_data: Some(plugin) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of RFC 3720, B.4, for 32 zeros, masked by hand.
    #[test]
    fn checksums_are_those_of_tfrecords() {
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked_crc(&[0; 32]), 0x0fd7_fffa_u32.to_le_bytes());
    }

    #[track_caller]
    fn spread(values: &[f32], buckets: usize, filled: &[(usize, f64)]) {
        let value = histogram("x".to_owned(), values);
        let Some(Content::Histo(found)) = value.content else { panic!("no histogram") };
        assert_eq!((found.bucket.len(), found.bucket_limit.len()), (buckets, buckets));
        assert_eq!(found.num, values.len() as f64);
        assert!(found.bucket_limit.is_sorted());
        assert_eq!(found.bucket_limit.last(), Some(&found.max));
        let counts: Vec<_> = found.bucket.iter().copied().enumerate().filter(|(_, n)| *n > 0.0).collect();
        assert_eq!(counts, filled);
    }

    #[test]
    fn every_value_is_in_a_bucket() {
        spread(&[0.0, 1.0, 29.5, 30.0], 30, &[(0, 1.0), (1, 1.0), (29, 2.0)]);
        spread(&[-1.0, 1.0, 1.0], 30, &[(0, 1.0), (29, 2.0)]);
        spread(&[0.5, 0.5], 1, &[(0, 2.0)]);
        spread(&[0.0; 3], 1, &[(0, 3.0)]);
    }
}
