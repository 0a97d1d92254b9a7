use std::fs;

use image::{Luma, LumaA, Rgb, RgbImage};

use super::*;

/// A slanted ring around a thick stroke with a foot, `ink` on `paper`, in a picture of `width x height`. The
/// foot keeps the centre of mass from lying just between two pixels, where a trifle would move the whole
/// digit.
fn drawing(width: u32, height: u32, at: (u32, u32), size: u32, ink: u8, paper: u8) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let (dx, dy) = (f64::from(x) - f64::from(at.0), f64::from(y) - f64::from(at.1));
        let size = f64::from(size);
        let distance = ((dx + 0.3 * dy) / (0.6 * size)).hypot(dy / size);
        let (ring, stem) = ((0.7..1.0).contains(&distance), dx.abs() < 0.15 * size && dy.abs() < size);
        let foot = (0.0..0.7 * size).contains(&dx) && (0.7 * size..size).contains(&dy);
        Luma([if ring || stem || foot { ink } else { paper }])
    })
}

/// Saves `picture` as `name` in a folder of its own and reads it with `rows x cols` pixels.
fn reread(
    picture: impl Into<DynamicImage>,
    name: &str,
    rows: usize,
    cols: usize,
) -> Result<Vec<u8>, PictureError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    picture.into().save(&path).unwrap();
    read(&path, [rows, cols], &Preprocessing::default())
}

/// Reads `bytes` as the file `name`, which must fail, and returns what the error says.
fn refused(bytes: &[u8], name: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    one_line(&read(&path, [28, 28], &Preprocessing::default()).unwrap_err(), &path)
}

fn one_line(error: &PictureError, path: &Path) -> String {
    let text = error.to_string();
    assert!(text.starts_with(&format!("{}: ", path.display())) && !text.contains('\n'), "{text}");
    text
}

/// The mean difference of the pixels. A shift of the digit by one pixel makes about 25.
fn change(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// The first and last row, then the first and last column, with ink.
fn bounds(pixels: &[u8], cols: usize) -> [usize; 4] {
    let inked = || pixels.iter().enumerate().filter(|(_, pixel)| **pixel > 0).map(|(index, _)| index);
    let (rows, columns) = (|| inked().map(|index| index / cols), || inked().map(|index| index % cols));
    [rows().min().unwrap(), rows().max().unwrap(), columns().min().unwrap(), columns().max().unwrap()]
}

fn assert_framed(pixels: &[u8], rows: usize, cols: usize) {
    let [top, bottom, left, right] = bounds(pixels, cols);
    let share = |side: usize| (side * 20 + 14) / 28;
    assert!(bottom - top < share(rows) && right - left < share(cols), "{top} {bottom} {left} {right}");
    let mass: f64 = pixels.iter().map(|&pixel| f64::from(pixel)).sum();
    let centre = |position: &dyn Fn(usize) -> usize| {
        let moments =
            pixels.iter().enumerate().map(|(index, &pixel)| f64::from(pixel) * position(index) as f64);
        moments.sum::<f64>() / mass
    };
    assert!((centre(&|index| index / cols) - (rows / 2) as f64).abs() < 1.0);
    assert!((centre(&|index| index % cols) - (cols / 2) as f64).abs() < 1.0);
    assert_eq!(pixels.iter().max(), Some(&255));
}

#[test]
fn dark_on_light_and_light_on_dark_read_alike() {
    let dark = reread(drawing(200, 150, (90, 70), 50, 0, 255), "a.png", 28, 28).unwrap();
    let light = reread(drawing(200, 150, (90, 70), 50, 255, 0), "a.png", 28, 28).unwrap();
    let grey = reread(drawing(200, 150, (90, 70), 50, 60, 200), "a.bmp", 28, 28).unwrap();
    assert_framed(&dark, 28, 28);
    assert_eq!(dark, light);
    assert_eq!(dark, grey);
}

#[test]
fn every_format_is_read() {
    let picture = drawing(200, 150, (90, 70), 50, 0, 255);
    let png = reread(picture.clone(), "a.png", 28, 28).unwrap();
    assert_eq!(reread(picture.clone(), "a.bmp", 28, 28).unwrap(), png);
    assert_eq!(reread(picture.clone(), "a.pgm", 28, 28).unwrap(), png);
    let jpeg = reread(picture, "a.jpg", 28, 28).unwrap();
    let change = change(&jpeg, &png);
    assert!(change < 5.0, "{change}");
}

#[test]
fn an_image_of_the_data_set_passes_unchanged() {
    let digits = crate::image::synthetic::digits(3, 0, 5).images;
    for index in 0..digits.len() {
        let image = GrayImage::from_raw(28, 28, digits.get(index).to_vec()).unwrap();
        assert_eq!(reread(image, "a.png", 28, 28).unwrap(), digits.get(index));
    }
}

/// `pixels`, lines of 28, as the bytes of a PNG that shows each as a square of `scale` pixels.
fn png(pixels: &[u8], scale: u32) -> Vec<u8> {
    let side = 28 * scale;
    let at = |x: u32, y: u32| pixels[(y / scale * 28 + x / scale) as usize];
    let image = GrayImage::from_fn(side, side, |x, y| Luma([at(x, y)]));
    let mut bytes = Vec::new();
    DynamicImage::from(image)
        .write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png)
        .unwrap();
    bytes
}

/// Images of a data set come back from pictures of themselves, at any size and on either ground.
#[test]
fn pictures_of_training_images_are_the_images() {
    let digits = crate::image::synthetic::digits(3, 0, 10).images;
    for (ground, framing, columns_first) in [
        (Ground::Dark, Framing::Mnist, false),
        (Ground::Light, Framing::Mnist, false),
        (Ground::Light, Framing::Resize, false),
        (Ground::Dark, Framing::Resize, true),
        (Ground::Light, Framing::Mnist, true),
    ] {
        let preprocessing = Preprocessing::new(ground, columns_first, framing);
        for index in 0..digits.len() {
            let digit = preprocessing.paint(digits.get(index));
            let image = if columns_first { transposed(&digit, 28) } else { digit.clone() };
            for scale in [1, 10] {
                for shown in [digit.clone(), digit.iter().map(|value| 255 - value).collect()] {
                    let found = parse(&png(&shown, scale), [28, 28], &preprocessing).unwrap();
                    assert!(found == image, "{preprocessing:?}, image {index} at {scale}");
                }
            }
        }
    }
}

/// However it was scaled, and whether its strokes are thick or faint.
#[test]
fn a_picture_reads_as_its_negative_does() {
    let digits = crate::image::synthetic::digits(3, 0, 10).images;
    for framing in [Framing::Mnist, Framing::Emnist] {
        let net = Preprocessing::new(Ground::Dark, false, framing);
        for (index, (scale, faint)) in [(64, 1), (100, 1), (100, 10), (300, 1)].into_iter().enumerate() {
            let image = GrayImage::from_raw(28, 28, digits.get(index).to_vec()).unwrap();
            let large = imageops::resize(&image, scale, scale, imageops::FilterType::CatmullRom);
            let drawn = |negative: bool| {
                let shade = |value: u8| if negative { 255 - value / faint } else { value / faint };
                let image =
                    GrayImage::from_raw(scale, scale, large.iter().map(|&value| shade(value)).collect());
                let mut bytes = std::io::Cursor::new(Vec::new());
                DynamicImage::from(image.unwrap()).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
                parse(bytes.get_ref(), [28, 28], &net).unwrap()
            };
            assert_eq!(drawn(false), drawn(true), "{framing:?} {scale} {faint}");
        }
    }
}

#[test]
fn paper_and_ink_have_the_levels_of_the_training_images() {
    let digit = crate::image::synthetic::digits(3, 0, 1).images.pixels;
    let grey =
        Preprocessing { levels: [200, 60], ..Preprocessing::new(Ground::Light, false, Framing::Mnist) };
    for scale in [1, 10] {
        assert_eq!(parse(&png(&digit, scale), [28, 28], &grey).unwrap(), grey.paint(&digit), "{scale}");
    }
}

#[test]
fn what_is_light_on_nothing_is_seen_by_every_net() {
    let digit = crate::image::synthetic::digits(3, 0, 1).images.pixels;
    let image = image::ImageBuffer::from_fn(28, 28, |x, y| LumaA([255, digit[(y * 28 + x) as usize]]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageLumaA8(image).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    for framing in [Framing::Mnist, Framing::Resize] {
        let found = parse(bytes.get_ref(), [28, 28], &Preprocessing::new(Ground::Dark, false, framing));
        assert_eq!(found.unwrap(), digit, "{framing:?}");
    }
    let blank = png(&[255; 784], 2);
    let resized = Preprocessing::new(Ground::Dark, false, Framing::Resize);
    assert_eq!(parse(&blank, [28, 28], &resized), Ok(vec![255; 784]), "what shows nothing is a picture, too");
    let framed = Preprocessing::new(Ground::Dark, false, Framing::Mnist);
    assert!(parse(&blank, [28, 28], &framed).unwrap_err().contains("no ink found"));
}

#[test]
fn a_photograph_is_never_inverted_for_a_net_of_photographs() {
    let mixed = Preprocessing::new(Ground::Mixed, false, Framing::Resize);
    let digit = crate::image::synthetic::digits(3, 0, 1).images.pixels;
    for shown in [digit.clone(), digit.iter().map(|value| 255 - value).collect()] {
        assert_eq!(parse(&png(&shown, 3), [28, 28], &mixed).unwrap(), shown);
    }
}

#[test]
fn a_large_digit_off_the_centre_is_framed_where_it_would_be_in_the_centre() {
    let corner = reread(drawing(1200, 900, (200, 250), 160, 20, 240), "a.png", 28, 28).unwrap();
    let centre = reread(drawing(1200, 900, (600, 450), 160, 20, 240), "a.png", 28, 28).unwrap();
    assert_framed(&corner, 28, 28);
    let change = change(&corner, &centre);
    assert!(change < 5.0, "{change}");
}

#[test]
fn noise_and_shadow_and_dust_leave_no_trace() {
    let clean = drawing(300, 300, (150, 150), 90, 40, 220);
    let mut rng = crate::rng::Rng::new(0, 0);
    let mut photo = clean.clone();
    for (x, _, pixel) in photo.enumerate_pixels_mut() {
        let level = f64::from(pixel.0[0]) - 0.15 * f64::from(x) + 4.0 * rng.normal();
        pixel.0[0] = level.clamp(0.0, 255.0) as u8;
    }
    for x in 20..24 {
        photo.put_pixel(x, 280, Luma([50]));
    }
    let (clean, photo) = (reread(clean, "a.png", 28, 28).unwrap(), reread(photo, "a.png", 28, 28).unwrap());
    assert_framed(&photo, 28, 28);
    let change = change(&clean, &photo);
    assert!(change < 8.0, "{change}");
}

/// Light at `x, y`, as shares of the sides, by which an evenly lit picture is multiplied.
type Light = fn(f64, f64) -> f64;

const LIGHTS: [(&str, Light); 6] = [
    ("lamp", |x, y| 1.0 / (1.0 + 0.8 * x.hypot(y))),
    ("vignette", |x, y| 1.0 - (x - 0.5).powi(2) - (y - 0.5).powi(2)),
    ("shadow over the right half", |x, _| if x < 0.55 { 1.0 } else { 0.5 }),
    ("shadow over the most", |x, y| if y < 0.3 + 0.2 * x { 1.0 } else { 0.5 }),
    ("shadow along a side", |x, _| if x < 0.08 { 0.5 } else { 1.0 }),
    ("dim", |x, _| 0.5 - 0.2 * x),
];

/// `picture` under `light`, with the noise of a camera.
fn lit(picture: &GrayImage, light: Light) -> GrayImage {
    let mut rng = crate::rng::Rng::new(0, 0);
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let level =
            f64::from(picture.get_pixel(x, y).0[0]) * light(f64::from(x) / width, f64::from(y) / height);
        Luma([(level + 2.0 * rng.normal()).clamp(0.0, 255.0) as u8])
    })
}

#[test]
fn uneven_light_leaves_no_trace() {
    for (ink, paper) in [(35, 235), (90, 220), (230, 50)] {
        let even = drawing(300, 260, (150, 130), 75, ink, paper);
        let expected = reread(even.clone(), "a.png", 28, 28).unwrap();
        for (name, light) in LIGHTS {
            let photo = reread(lit(&even, light), "a.png", 28, 28).unwrap();
            // A box around the ink that is narrower by a faint column moves the digit by half a pixel: about
            // 15.
            let change = change(&photo, &expected);
            assert!(change < 16.0, "{ink} on {paper}, {name}: {change}");
        }
    }
}

#[test]
fn light_and_shadow_alone_are_no_ink() {
    for paper in [235, 120] {
        for (name, light) in LIGHTS {
            let blank = lit(&GrayImage::from_pixel(300, 260, Luma([paper])), light);
            let error = reread(blank, "a.png", 28, 28).unwrap_err();
            assert!(error.to_string().contains("no ink found"), "{paper}, {name}: {error}");
        }
    }
}

#[test]
fn strokes_are_told_from_what_they_enclose_and_from_specks() {
    for (ink, paper, speck) in [(0, 255, 255), (60, 120, 255), (255, 0, 0), (200, 60, 0), (30, 110, 0)] {
        for (size, side) in [(20, 64), (70, 180), (110, 256)] {
            let mut ring = drawing(side, side, (side / 2, side / 2), size, ink, paper);
            let expected = reread(ring.clone(), "a.png", 28, 28).unwrap();
            let clean =
                reread(drawing(side, side, (side / 2, side / 2), size, 0, 255), "a.png", 28, 28).unwrap();
            let change = change(&expected, &clean);
            assert!(change < 2.0, "{ink} on {paper}, {size} of {side}: {change}");
            ring.put_pixel(side / 8, side / 8, Luma([speck]));
            assert_eq!(
                reread(ring, "a.png", 28, 28).unwrap(),
                expected,
                "{ink} on {paper}, {size} of {side}"
            );
        }
    }
}

#[test]
fn a_thick_digit_that_fills_its_picture_reads_as_with_a_margin() {
    for (ink, paper) in [(20, 240), (240, 20)] {
        let seven = |margin: u32| {
            let picture = GrayImage::from_fn(60 + 2 * margin, 90 + 2 * margin, |x, y| {
                let (x, y) = (f64::from(x) - f64::from(margin), f64::from(y) - f64::from(margin));
                let bar = (0.0..60.0).contains(&x) && (0.0..20.0).contains(&y);
                let stem = (x + 0.35 * y - 48.0).abs() < 10.0 && (0.0..90.0).contains(&y);
                Luma([if bar || stem { ink } else { paper }])
            });
            reread(picture, "a.png", 28, 28).unwrap()
        };
        let change = change(&seven(0), &seven(40));
        assert!(change < 8.0, "{ink} on {paper}: {change}");
    }
}

#[test]
fn other_targets_are_framed_in_their_own_share() {
    for (rows, cols) in [(14, 40), (40, 14), (28, 28), (8, 8)] {
        assert_framed(
            &reread(drawing(200, 150, (90, 70), 50, 0, 255), "a.png", rows, cols).unwrap(),
            rows,
            cols,
        );
    }
    assert_eq!(reread(drawing(200, 150, (90, 70), 50, 0, 255), "a.png", 1, 1).unwrap(), [255]);
}

#[test]
fn what_is_transparent_is_paper() {
    let opaque = drawing(100, 100, (50, 50), 35, 0, 255);
    let expected = reread(opaque.clone(), "a.png", 28, 28).unwrap();
    let see_through =
        image::GrayAlphaImage::from_fn(100, 100, |x, y| LumaA([0, 255 - opaque.get_pixel(x, y).0[0]]));
    assert_eq!(reread(DynamicImage::ImageLumaA8(see_through), "a.png", 28, 28).unwrap(), expected);
    let white =
        image::GrayAlphaImage::from_fn(100, 100, |x, y| LumaA([255, 255 - opaque.get_pixel(x, y).0[0]]));
    assert_eq!(reread(DynamicImage::ImageLumaA8(white), "a.png", 28, 28).unwrap(), expected);
}

#[test]
fn a_blank_picture_is_refused() {
    for blank in [GrayImage::from_pixel(50, 50, Luma([255])), GrayImage::new(28, 28), GrayImage::new(1, 1)] {
        let error = reread(blank, "blank.png", 28, 28).unwrap_err();
        assert!(error.to_string().contains("blank.png: no ink found"), "{error}");
    }
    let mut rng = crate::rng::Rng::new(0, 0);
    let paper = RgbImage::from_fn(90, 90, |_, _| Rgb([(200.0 + 3.0 * rng.normal()) as u8; 3]));
    assert!(reread(paper, "a.png", 28, 28).is_err());
}

#[test]
fn what_is_no_picture_is_refused_by_name() {
    assert!(refused(b"just a text", "note.txt").contains("PNG, JPEG, BMP or PNM"));
    assert!(refused(b"", "empty.png").contains("PNG, JPEG, BMP or PNM"));
    let mut png = Vec::new();
    let picture = drawing(100, 100, (50, 50), 35, 0, 255);
    picture.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
    for length in [8, 20, 60, png.len() / 2] {
        refused(&png[..length], "cut.png");
    }
    refused(b"P5 60000 60000 255\n", "huge.pgm");
    let missing = Path::new("no/such/digit.png");
    one_line(&read(missing, [28, 28], &Preprocessing::default()).unwrap_err(), missing);
}

#[test]
fn pictures_are_turned_upright_as_exif_says() {
    let picture = drawing(90, 60, (40, 30), 20, 20, 230);
    let mut plain = std::io::Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut plain, image::ImageFormat::Jpeg).unwrap();
    let plain = plain.into_inner();
    let decoded = image::load_from_memory(&plain).unwrap();
    let parse = |bytes: &[u8]| parse(bytes, [28, 28], &Preprocessing::default()).unwrap();
    let upright = [(3, decoded.rotate180()), (5, decoded.rotate90().fliph()), (6, decoded.rotate90())];
    for (orientation, upright) in upright {
        // A segment with one entry behind the start of the image.
        let exif = [
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(),
            &[orientation, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let segment = [&[0xff, 0xe1, 0, exif.len() as u8 + 2], exif.as_slice()].concat();
        let turned = [&plain[..2], &segment, &plain[2..]].concat();
        let mut expected = std::io::Cursor::new(Vec::new());
        upright.write_to(&mut expected, image::ImageFormat::Png).unwrap();
        assert_eq!(parse(&turned), parse(&expected.into_inner()), "orientation {orientation}");
        assert_ne!(parse(&turned), parse(&plain), "orientation {orientation}");
    }
}
