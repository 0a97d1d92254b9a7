//! The page's files, which are in the program.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// What it is called, and by what the page asks for it: `page/net.js`.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub kind: &'static str,
    /// What is in it.
    pub text: &'static str,
}

const STYLE: Asset = Asset {
    path: "page/style.css",
    kind: "text/css; charset=utf-8",
    text: include_str!("../page/style.css"),
};

const BODY: &str = include_str!("../page/body.html");

macro_rules! script {
    ($name:literal) => {
        Asset {
            path: concat!("page/", $name),
            kind: "text/javascript; charset=utf-8",
            text: include_str!(concat!("../page/", $name)),
        }
    };
}

/// What both forms of the page need.
const NUMBERS: Asset = script!("numbers.js");

/// What computes, of the page in one file.
const COMPUTING: [Asset; 2] = [script!("net.js"), script!("explaining.js")];

/// In the order in which they are read: each stands on those before.
const SHOWING: [Asset; 8] = [
    script!("chart.js"),
    script!("frame.js"),
    script!("drawing.js"),
    script!("series.js"),
    script!("sentence.js"),
    script!("answer.js"),
    script!("answerer.js"),
    script!("page.js"),
];

/// What a browser lets the served page do: its own files, its own server, and nothing else.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: \
                          blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page as a server gives it, and the files that it asks for.
pub fn served() -> (String, impl Iterator<Item = Asset>) {
    let scripts = || std::iter::once(NUMBERS).chain(SHOWING);
    let asked: String =
        scripts().map(|script| format!("<script defer src=\"{}\"></script>\n", script.path)).collect();
    let head = format!("<link rel=\"stylesheet\" href=\"{}\">\n{asked}", STYLE.path);
    (document("birnn", &head, BODY), std::iter::once(STYLE).chain(scripts()))
}

/// The page in one file, with a network in it as `net.js` reads it: JSON in which no `<` is written as such.
pub(crate) fn whole(title: &str, net: &str) -> String {
    let text = |scripts: &[Asset]| scripts.iter().map(|script| script.text).collect::<String>();
    // Apart from the rest, as a worker is made of its text.
    let (computing, showing) = (NUMBERS.text.to_owned() + &text(&COMPUTING), text(&SHOWING));
    let style = STYLE.text;
    // A browser runs and shows what has these digests, and asks nobody for anything; a worker has the rights
    // of its page.
    let policy = format!(
        "default-src 'none'; script-src '{}' '{}'; worker-src blob:; style-src '{}'; img-src data: blob:; base-uri 'none'; \
         form-action 'none'",
        digest(&computing),
        digest(&showing),
        digest(style)
    );
    let head = format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n<style>{style}</style>\n"
    );
    let body = format!(
        "{BODY}<script type=\"application/json\" id=\"net\">{net}</script>\n<script id=\"computes\">{computing}</script>\n\
         <script>{showing}</script>\n"
    );
    document(title, &head, &body)
}

fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn document(title: &str, head: &str, body: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         {head}</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use birnn_data::WORD_OR_PUNCTUATION;

    use super::*;

    /// A script that is written into a page ends where the page's parser says that it does.
    #[test]
    fn nothing_in_a_script_or_a_style_ends_it() {
        for asset in COMPUTING.iter().chain(&SHOWING).chain([&NUMBERS, &STYLE]) {
            for end in ["</script", "</style", "<!--"] {
                assert!(!asset.text.contains(end), "{}: {end}", asset.path);
            }
        }
    }

    /// What is typed is parted as training texts were.
    #[test]
    fn the_page_finds_words_and_punctuation_as_the_data_does() {
        let sentence = SHOWING.iter().find(|asset| asset.path.ends_with("sentence.js")).unwrap();
        assert!(sentence.text.contains(&format!("match(/{WORD_OR_PUNCTUATION}/gu)")));
    }

    #[test]
    fn the_served_page_names_each_of_its_files() {
        let (page, assets) = served();
        let count = assets.inspect(|asset| assert!(page.contains(asset.path), "{}", asset.path)).count();
        assert_eq!(count, 2 + SHOWING.len());
    }
}
