//! What of a judgement a setting decides: runs in which it varies are not all to be put in one order.

/// What a setting of `[data]` decides of what nets are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decides {
    /// By which test samples, or what is asked of them.
    Test,
    /// What there is to learn from, and so what a share of it is for the test or is kept back.
    Training,
    /// Which of it is learnt from, and which kept back.
    KeptBack,
    /// Which other samples are judged by while training.
    Validation,
    /// How series are cut, and so what a share of them is, and what a net of their own values is asked.
    Windows,
    /// Which tokens there are, or which of them the net knows: what a perplexity is of.
    Tokens,
    /// Which values there are, and in which deviations errors of them are told.
    Values,
    /// How the same samples are read: nothing of what is asked.
    Nothing,
}

use Decides::{KeptBack, Nothing, Test, Tokens, Training, Validation, Values, Windows};

/// Every setting of `[data]`.
const SETTINGS: [(&str, Decides); 47] = [
    ("dataset", Test),
    ("fallback", Nothing),
    ("validation", KeptBack),
    ("split", Test),
    ("limit", KeptBack),
    ("invert", Nothing),
    ("transpose", Nothing),
    ("framing", Nothing),
    ("augment", Nothing),
    ("train_images", Training),
    ("train_labels", Training),
    ("test_images", Test),
    ("test_labels", Test),
    ("classes", Nothing),
    ("train", Training),
    ("test", Test),
    ("validation_file", Validation),
    ("validation_labels", Validation),
    ("encoding", Tokens),
    ("columns", Test),
    ("tags", Test),
    ("text", Tokens),
    ("label", Test),
    ("unit", Tokens),
    ("scheme", Nothing),
    ("repair_tags", Test),
    ("normal_form", Tokens),
    ("lowercase", Tokens),
    ("merge_digits", Tokens),
    ("min_count", Tokens),
    ("vectors", Tokens),
    ("vector_words", Tokens),
    ("test_share", Test),
    ("layout", Test),
    ("id", Test),
    ("time", Test),
    ("features", Values),
    ("target", Test),
    ("group", Test),
    ("delimiter", Test),
    ("skip_lines", Test),
    ("arrays", Test),
    ("shape", Nothing),
    ("window", Windows),
    ("standardise", Values),
    ("missing", Values),
    ("missing_mask", Nothing),
];

impl Decides {
    /// What the setting of this dotted key decides, or one within it, such as `data.window.stride`; all of it
    /// where it is `data` as a whole. There is none where it is no setting of `[data]`.
    pub fn of(key: &str) -> Option<Decides> {
        if key == "data" {
            return Some(Test);
        }
        let setting = key.strip_prefix("data.")?.split('.').next()?;
        SETTINGS.iter().find(|(name, _)| *name == setting).map(|&(_, decides)| decides)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schemars::schema_for;

    use super::*;
    use crate::config::DataConfig;

    #[test]
    fn it_is_said_of_every_setting() {
        let schema = schema_for!(DataConfig);
        let there: BTreeSet<&str> =
            schema.get("properties").unwrap().as_object().unwrap().keys().map(String::as_str).collect();
        let said: BTreeSet<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
        assert_eq!((said.len(), &said), (SETTINGS.len(), &there));
    }

    #[test]
    fn settings_within_are_as_what_they_are_in() {
        assert_eq!(Decides::of("data.window.stride"), Some(Windows));
        assert_eq!((Decides::of("data"), Decides::of("data.id")), (Some(Test), Some(Test)));
        assert_eq!((Decides::of("data.windows"), Decides::of("model.hidden")), (None, None));
    }
}
