use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use proptest::prelude::*;

use super::*;
use crate::image::idx::tests::{gzip, idx};

const STORED: u16 = 0;
pub(crate) const DEFLATED: u16 = 8;

/// Images of 2 x 2 in three parts, as they are in the classic file; validation images come behind the others.
pub(crate) fn contents() -> Contents {
    [
        idx(&[3, 2, 2], &[0, 1, 2, 3, 4, 5, 6, 7, 128, 254, 255, 9]),
        idx(&[3], &[0, 1, 1]),
        idx(&[2, 2, 2], &[9; 8]),
        idx(&[2], &[1, 0]),
    ]
}

/// A numpy array as Python 2 pickles it.
fn array(shape: &[u8], kind: &str, numbers: &[u8]) -> Vec<u8> {
    let mut bytes =
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87Rq\x03(K\x01".to_vec();
    shape.iter().for_each(|&size| bytes.extend([b'K', size]));
    bytes.push(0x84 + shape.len() as u8);
    bytes.extend(format!("cnumpy\ndtype\nU\x02{kind}K\0K\x01").bytes());
    bytes.extend(b"\x87R(K\x03U\x01<NNN");
    bytes.extend(b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T");
    bytes.extend((numbers.len() as u32).to_le_bytes());
    bytes.extend(numbers);
    bytes.extend(b"tb");
    bytes
}

fn floats(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|&byte| (f32::from(byte) / 256.0).to_le_bytes()).collect()
}

fn integers(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|&byte| i64::from(byte).to_le_bytes()).collect()
}

/// [`contents`] as the classic file has it, two images to train on and one to validate by.
pub(crate) fn pickled() -> Vec<u8> {
    let [images, labels, test_images, test_labels] = contents();
    let pair = |images: &[u8], labels: &[u8]| {
        let count = labels.len() as u8;
        [array(&[count, 4], "f4", &floats(images)), array(&[count], "i8", &integers(labels)), vec![0x86]]
            .concat()
    };
    [
        vec![0x80, 2],
        pair(&images[16..24], &labels[8..10]),
        pair(&images[24..], &labels[10..]),
        pair(&test_images[16..], &test_labels[8..]),
        b"\x87.".to_vec(),
    ]
    .concat()
}

pub(crate) fn npy(kind: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    npy_in("False", kind, shape, values)
}

/// An array in NumPy's format, in Fortran's order or not.
pub(crate) fn npy_in(fortran: &str, kind: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}  \n");
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), values].concat()
}

/// A zip archive, each entry with how it is packed.
pub(crate) fn zip(entries: &[(&str, &[u8], u16)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content, method) in entries {
        let mut crc = Crc::new();
        crc.update(content);
        let packed = match *method {
            DEFLATED => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(content).unwrap();
                encoder.finish().unwrap()
            }
            _ => content.to_vec(),
        };
        let mut about =
            [&20_u16.to_le_bytes()[..], &[0, 0], &method.to_le_bytes(), &[0, 0, 0x21, 0]].concat();
        for number in [crc.sum(), packed.len() as u32, content.len() as u32] {
            about.extend(number.to_le_bytes());
        }
        about.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        directory.extend([b"PK\x01\x02\x14\0", about.as_slice(), &[0; 10]].concat());
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(name.bytes());
        bytes.extend([b"PK\x03\x04", about.as_slice(), name.as_bytes(), &packed].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count].concat();
    let size_and_offset = [directory.len() as u32, bytes.len() as u32].map(u32::to_le_bytes).concat();
    [bytes, directory, end, size_and_offset, vec![0, 0]].concat()
}

/// [`contents`] as Keras has it, with one array replaced.
fn npz_with(method: u16, name: &str, array: &[u8]) -> Vec<u8> {
    let contents = contents();
    let mut arrays = [
        ("x_train.npy", npy("|u1", "(3, 2, 2)", &contents[0][16..])),
        ("y_train.npy", npy("|u1", "(3,)", &contents[1][8..])),
        ("x_test.npy", npy("|u1", "(2, 2, 2)", &contents[2][16..])),
        ("y_test.npy", npy("|u1", "(2,)", &contents[3][8..])),
    ];
    for (other, content) in &mut arrays {
        if *other == name {
            *content = array.to_vec();
        }
    }
    zip(&arrays.each_ref().map(|(name, content)| (*name, content.as_slice(), method)))
}

pub(crate) fn npz(method: u16) -> Vec<u8> {
    npz_with(method, "", &[])
}

#[test]
fn each_form_is_the_published_files() {
    for (form, bytes) in [
        (Form::Pickle, pickled()),
        (Form::Pickle, gzip(&pickled())),
        (Form::Npz, npz(STORED)),
        (Form::Npz, npz(DEFLATED)),
    ] {
        assert_eq!(parse(&bytes, form).unwrap(), contents());
    }
}

#[track_caller]
fn refused(bytes: &[u8], form: Form, part: &str) {
    let error = parse(bytes, form).unwrap_err().to_string();
    assert!(error.contains(part) && !error.contains('\n'), "no `{part}` in: {error}");
}

/// The classic file with the first `from` replaced.
fn changed(from: &[u8], to: &[u8]) -> Vec<u8> {
    let whole = pickled();
    let offset = whole.windows(from.len()).position(|window| window == from).unwrap();
    [&whole[..offset], to, &whole[offset + from.len()..]].concat()
}

#[test]
fn no_other_pickle_is_read_and_nothing_is_run() {
    for (from, to, part) in [
        (&b"\x80\x02"[..], &b"\x80\x04"[..], "no pickle of protocol 2"),
        (b"cnumpy\nndarray\n", b"cposix\nsystem\n", "a name that is no part of arrays"),
        (b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", "a call that arrays do not take"),
        (b"cnumpy\nndarray\n", &[b'c'; 500], "a name that is no part of arrays"),
        (b"K\0\x85U\x01b", b"K\x01\x85U\x01b", "a call that arrays do not take"),
        (b"U\x02f4", b"U\x02f8", "numbers of another kind"),
        (b"U\x01<", b"U\x01>", "not described as one"),
        (b"K\x02K\x04\x86", b"K\x02K\x05\x86", "an array of another size than its numbers"),
        (b"K\x02K\x04\x86", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", "an array of another size"),
        (b"\x89T", b"\x88T", "not described as one"),
        (b"q\x03", b"q\x03h\x09", "a value used twice"),
        (b"q\x03", b"q\x03i", "an operation that arrays do not take"),
        (b"R", b"RRR", "an operation without its operands"),
        (b"\x87.", b"\x86.", "it goes on after its end"),
        (b"\x87.", b"\x87\x85.", "other arrays than"),
        (b"\x87.", b"\x87..", "it goes on after its end"),
        (b"\x87.", b"\x87", "its end"),
        (&1_i64.to_le_bytes(), &256_i64.to_le_bytes(), "a number that is no byte"),
        (&(2_f32 / 256.0).to_le_bytes(), &(2.5_f32 / 256.0).to_le_bytes(), "a number that is no byte"),
        (&(2_f32 / 256.0).to_le_bytes(), &f32::NAN.to_le_bytes(), "a number that is no byte"),
        (&(2_f32 / 256.0).to_le_bytes(), &1_f32.to_le_bytes(), "a number that is no byte"),
    ] {
        let bytes = changed(from, to);
        refused(&bytes, Form::Pickle, part);
        refused(&gzip(&bytes), Form::Pickle, part);
    }
    let nested = [&[0x80, 2, b'N'][..], &[0x85; 5000], b"."].concat();
    refused(&nested, Form::Pickle, "more operations than it takes");
    let whole = gzip(&pickled());
    refused(&whole[..whole.len() - 3], Form::Pickle, "gzip compression is damaged");
    refused(b"", Form::Pickle, "its end, before byte 0");
}

#[test]
fn an_array_is_believed_as_far_as_its_bytes_go() {
    // Four gigabytes of numbers, promised and not there.
    let huge = [b'J'].into_iter().chain((1_i32 << 15).to_le_bytes()).collect::<Vec<_>>().repeat(2);
    let mut bytes = changed(b"K\x02K\x04\x86", &[huge.as_slice(), &[0x86]].concat());
    let offset = bytes.windows(2).position(|window| window == b"\x89T").unwrap() + 2;
    bytes[offset..offset + 4].copy_from_slice(&0_u32.to_le_bytes());
    refused(&bytes, Form::Pickle, "an array of another size");
    let most = [(3 << 12, "more than the"), (1 << 12, "its end")];
    for (count, part) in most {
        let shape =
            [b"J".as_slice(), &i32::to_le_bytes(count), b"J", &i32::to_le_bytes(1 << 14), &[0x86]].concat();
        let mut bytes = changed(b"K\x02K\x04\x86", &shape);
        let offset = bytes.windows(2).position(|window| window == b"\x89T").unwrap() + 2;
        bytes[offset..offset + 4].copy_from_slice(&((count as u32) << 16).to_le_bytes());
        refused(&bytes, Form::Pickle, part);
    }
}

#[test]
fn no_other_npz_is_read() {
    for (name, array, part) in [
        ("x_train.npy", npy("|u1", "(3, 4)", &[0; 12]), "x_train.npy`: not an array in NumPy's format that"),
        ("x_train.npy", npy("<f4", "(1, 1, 3)", &[0; 12]), "tells of another kind of array"),
        ("y_test.npy", npy("|u1", "(3,)", &[0; 2]), "more or fewer bytes"),
        ("y_test.npy", npy("|u1", "(3,)", &[0; 4]), "more or fewer bytes"),
        ("y_test.npy", npy("|u1", "(99999999999,)", &[0; 4]), "more than the 134217728 bytes"),
        ("x_test.npy", npy("|u1", "(4294967295, 4294967295, 4294967295)", &[0; 4]), "more than the"),
        ("y_test.npy", npy(&" ".repeat(2000), "(3,)", &[0; 3]), "its header is longer than any"),
        ("y_test.npy", b"no array".to_vec(), "it does not start as one"),
        ("y_test.npy", b"\x93NUMPY\x01\0\x40\0".to_vec(), "it ends within its header"),
    ] {
        refused(&npz_with(DEFLATED, name, &array), Form::Npz, part);
    }
    refused(&npz(12), Form::Npz, "packed as");
    refused(b"no archive", Form::Npz, "a zip archive that is damaged, cut short, or none");
    let whole = npz(DEFLATED);
    refused(&whole[..whole.len() / 2], Form::Npz, "a zip archive that is damaged");
    refused(
        &zip(&[("x_train.npy", &npy("|u1", "(1, 1, 1)", &[1]), STORED)]),
        Form::Npz,
        "no entry `y_train.npy`",
    );
    let mut altered = npz(STORED);
    let offset = altered.windows(5).position(|window| window == [4, 5, 6, 7, 128]).unwrap();
    altered[offset] ^= 1;
    refused(&altered, Form::Npz, "other content than its archive says");
}

#[test]
fn what_unpacks_to_more_than_it_says_is_refused() {
    // The size of the entry, where it stands twice, is that of an empty array.
    let bomb = npy("|u1", "(134217728,)", &vec![0; 64 << 20]);
    let mut bytes = zip(&[("y.npy", &bomb, DEFLATED)]);
    assert!(bytes.len() < 1 << 20);
    let size = (bomb.len() as u32).to_le_bytes();
    let offsets: Vec<usize> =
        (0..bytes.len() - 4).filter(|&offset| bytes[offset..offset + 4] == size).collect();
    offsets.iter().for_each(|&offset| bytes[offset..offset + 4].copy_from_slice(&100_u32.to_le_bytes()));
    let mut read = 0;
    let mut archive = zipped::open(Cursor::new(&bytes)).unwrap();
    let error = zipped::entry(&mut archive, "y.npy", 1000, |entry| {
        read = entry.read_to_end(&mut Vec::new())?;
        Ok(())
    });
    assert!(error.unwrap_err().to_string().contains("other content than its archive says"));
    assert_eq!(read, 101);
    let mut archive = zipped::open(Cursor::new(&bytes)).unwrap();
    let error = zipped::entry(&mut archive, "y.npy", 99, |_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("more than the 99 bytes"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_contents_or_an_error(
        offset in 0_usize..600,
        with in proptest::collection::vec(any::<u8>(), 0..9),
    ) {
        let files = [(Form::Pickle, pickled()), (Form::Npz, npz(STORED)), (Form::Npz, npz(DEFLATED))];
        for (form, mut bytes) in files {
            let end = bytes.len().min(offset + with.len());
            bytes.splice(offset.min(end)..end, with.clone());
            let _ = parse(&bytes, form);
        }
    }
}
