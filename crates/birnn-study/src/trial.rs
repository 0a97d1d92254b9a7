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
    /// After how many epochs it is evaluated; training goes on in between. Empty: after those of the experiment.
    pub stages: Vec<usize>,
    /// The seed.
    pub seed: u32,
}

impl Trial {
    /// Its folder's name.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.name, self.seed)
    }

    /// The settings of the command line, without files.
    pub fn settings(&self) -> Vec<String> {
        let mut sets = self.sets.clone();
        if let Some(epochs) = self.stages.last() {
            sets.push(format!("train.epochs={epochs}"));
        }
        sets.push(format!("seed={}", self.seed));
        sets
    }

    /// What a user types to train it.
    pub fn command(&self) -> String {
        let sets = self.settings().into_iter().map(|set| {
            let quoted = if set.contains([' ', '"', '{', '[']) { format!("'{set}'") } else { set };
            format!(" --set {quoted}")
        });
        format!("cargo xtask train {}{}", self.config, sets.collect::<String>())
    }

    /// The command of one seed of several, for all of them.
    pub fn command_of_all(&self, seeds: u32) -> String {
        self.command()
            .replace(&format!("seed={}", self.seed), &format!("sweep.seeds={seeds}"))
            .replacen("train", "sweep", 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_typed() {
        let trial = Trial {
            config: "configs/study/train.toml",
            name: "a".to_owned(),
            sets: vec!["model.hidden={ forward = 1, reverse = 2 }".to_owned()],
            files: &[],
            stages: vec![1, 3],
            seed: 4,
        };
        assert_eq!(
            trial.command(),
            "cargo xtask train configs/study/train.toml --set 'model.hidden={ forward = 1, reverse = 2 }' --set \
             train.epochs=3 --set seed=4"
        );
        assert_eq!(
            trial.command_of_all(5),
            "cargo xtask sweep configs/study/train.toml --set 'model.hidden={ forward = 1, reverse = 2 }' --set \
             train.epochs=3 --set sweep.seeds=5"
        );
    }
}
