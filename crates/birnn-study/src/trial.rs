//! A net to be trained.

/// One seed of one net.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its experiment, in configs/study.
    pub config: &'static str,
    /// What its runs are filed under: the question and the net.
    pub name: String,
    /// `KEY=VALUE` of the settings in which it differs from the file.
    pub sets: Vec<String>,
    /// Files that the settings name, in the folder of data: a key and a path in it.
    pub files: &'static [(&'static str, &'static str)],
    /// After how many epochs it is evaluated; training goes on in between. Empty: after those of the
    /// experiment.
    pub stages: Vec<usize>,
    /// The seed.
    pub seed: u32,
}

impl Trial {
    /// Its folder's name.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.name, self.seed)
    }

    /// The settings of the command line but for files: those of the net, and its seed.
    pub fn settings(&self) -> Vec<String> {
        self.of_net().chain([format!("seed={}", self.seed)]).collect()
    }

    fn of_net(&self) -> impl Iterator<Item = String> {
        let epochs = self.stages.last().map(|epochs| format!("train.epochs={epochs}"));
        self.sets.iter().cloned().chain(epochs)
    }

    /// What a user types to train it with so many seeds.
    pub fn command(&self, seeds: u32) -> String {
        let files = self.files.iter().map(|(key, _)| format!("{key}=PATH"));
        let sets = self.of_net().chain(files).chain([format!("sweep.seeds={seeds}")]);
        let sets: String = sets.map(|set| format!(" --set {}", typed(&set))).collect();
        format!("OMP_NUM_THREADS=1 cargo xtask sweep {} --device cpu{sets}", self.config)
    }
}

/// A word as a shell takes it.
fn typed(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_./=:-".contains(letter);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// What an experiment of configs/study is called.
pub fn stem(config: &str) -> &str {
    let name = config.rsplit('/').next().unwrap_or(config);
    name.trim_end_matches(".toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_typed() {
        let trial = Trial {
            config: "configs/study/a.toml",
            name: "a".to_owned(),
            sets: vec!["model.hidden={ forward = 1, reverse = 2 }".to_owned()],
            files: &[("data.train", "there/train.txt")],
            stages: vec![1, 3],
            seed: 4,
        };
        assert_eq!(
            trial.command(5),
            "OMP_NUM_THREADS=1 cargo xtask sweep configs/study/a.toml --device cpu --set 'model.hidden={ forward = 1, \
             reverse = 2 }' --set train.epochs=3 --set data.train=PATH --set sweep.seeds=5"
        );
        assert_eq!(trial.settings()[1..], ["train.epochs=3", "seed=4"]);
        assert_eq!((typed("it's"), stem(trial.config)), ("'it'\\''s'".to_owned(), "a"));
    }
}
