//! The published data sets: where they are, what they hold, how they are recognised.

/// A data set of four IDX files that can be downloaded.
#[derive(Debug)]
pub struct Published {
    /// Its name in a config, and its folder.
    pub name: &'static str,
    /// The folder that torchvision keeps it in.
    pub torchvision: &'static str,
    /// Addresses that a file's name and `.gz` are added to, the most reliable first.
    pub mirrors: &'static [&'static str],
    /// Training images and labels, test images and labels.
    pub files: [PublishedFile; 4],
    /// What the labels mean, from 0.
    pub classes: [&'static str; 10],
}

/// One published file.
#[derive(Debug)]
pub struct PublishedFile {
    /// Its name, `.gz` left out.
    pub name: &'static str,
    /// How it is recognised.
    pub digest: PublishedDigest,
}

/// A SHA-256 in hexadecimal.
#[derive(Debug)]
pub enum PublishedDigest {
    /// Of the content, so that any recompression of it serves.
    Content(&'static str),
    /// Of the published `.gz` itself, the only one known: nothing else can be told to be the same.
    Archive(&'static str),
}

use PublishedDigest::{Archive, Content};

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// Y. LeCun, C. Cortes, C. Burges: the MNIST database of handwritten digits.
pub(crate) static MNIST: Published = Published {
    name: "mnist",
    torchvision: "MNIST",
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ],
    files: [
        file(TRAIN_IMAGES, Content("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db")),
        file(TRAIN_LABELS, Content("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5")),
        file(TEST_IMAGES, Content("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7")),
        file(TEST_LABELS, Content("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2")),
    ],
    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
};

/// H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST.
pub(crate) static FASHION_MNIST: Published = Published {
    name: "fashion-mnist",
    torchvision: "FashionMNIST",
    mirrors: &[
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ],
    files: [
        file(TRAIN_IMAGES, Content("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888")),
        file(TRAIN_LABELS, Content("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9")),
        file(TEST_IMAGES, Content("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b")),
        file(TEST_LABELS, Content("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34")),
    ],
    classes: [
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
};

/// T. Clanuwat et al.: Kuzushiji-MNIST.
pub(crate) static KMNIST: Published = Published {
    name: "kmnist",
    torchvision: "KMNIST",
    mirrors: &[
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ],
    files: [
        file(TRAIN_IMAGES, Archive("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4")),
        file(TRAIN_LABELS, Archive("e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17")),
        file(TEST_IMAGES, Archive("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5")),
        file(TEST_LABELS, Archive("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c")),
    ],
    classes: ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
};

const fn file(name: &'static str, digest: PublishedDigest) -> PublishedFile {
    PublishedFile { name, digest }
}
