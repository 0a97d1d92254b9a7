//! Runs of the same settings.

use birnn_experiment::{Experiment, differing};

/// The indices of experiments that differ in their seeds alone, group by group; their names do not matter.
pub fn seed_groups(experiments: &[&Experiment]) -> Vec<Vec<usize>> {
    let plain: Vec<_> = experiments
        .iter()
        .map(|experiment| Experiment { name: None, seed: 0, ..(*experiment).clone() }.to_json())
        .collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in 0..plain.len() {
        let same =
            |group: &&mut Vec<usize>| differing(&[plain[group[0]].clone(), plain[index].clone()]).is_empty();
        match groups.iter_mut().find(same) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_group_differ_in_seed_and_name_alone() {
        let with = |seed: u32, name: &str, epochs: usize| {
            let mut experiment = Experiment { seed, name: Some(name.to_owned()), ..Experiment::default() };
            experiment.train.epochs = epochs;
            experiment
        };
        let all = [with(0, "a", 2), with(1, "a", 2), with(0, "a", 3), with(2, "b", 2)];
        assert_eq!(seed_groups(&all.iter().collect::<Vec<_>>()), [vec![0, 1, 3], vec![2]]);
    }
}
