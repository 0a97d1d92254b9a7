//! Whether the length of a sequence has to do with whether its prediction is correct.

/// Sequences of about the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthGroup {
    /// The fewest steps of any.
    pub shortest: usize,
    /// The most.
    pub longest: usize,
    /// How many sequences.
    pub count: u64,
    /// How many of their predictions are correct.
    pub correct: u64,
}

/// At most so many groups of about as many sequences, the shortest first, from each sequence's steps and whether its
/// prediction is correct. Sequences of the same length are in one group, whatever becomes of its size.
pub fn by_length(sequences: &[(usize, bool)], most: usize) -> Vec<LengthGroup> {
    let mut sorted = sequences.to_vec();
    sorted.sort_unstable_by_key(|(steps, _)| *steps);
    let enough = sorted.len().div_ceil(most.max(1)) as u64;
    let mut groups: Vec<LengthGroup> = Vec::new();
    for same in sorted.chunk_by(|a, b| a.0 == b.0) {
        let (steps, count) = (same[0].0, same.len() as u64);
        let correct = same.iter().filter(|(_, correct)| *correct).count() as u64;
        match groups.last_mut().filter(|group| group.count < enough) {
            Some(group) => {
                group.longest = steps;
                group.count += count;
                group.correct += correct;
            }
            None => groups.push(LengthGroup { shortest: steps, longest: steps, count, correct }),
        }
    }
    // What is left over for the last may be too little to stand alone.
    if let [.., before, last] = groups[..]
        && 2 * last.count < enough
    {
        groups.truncate(groups.len() - 2);
        let (count, correct) = (before.count + last.count, before.correct + last.correct);
        groups.push(LengthGroup { shortest: before.shortest, longest: last.longest, count, correct });
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many of each length, the even ones correct: shortest, longest, count and correct of each group.
    #[track_caller]
    fn are_grouped(lengths: &[(usize, usize)], most: usize, expected: &[(usize, usize, u64, u64)]) {
        let all: Vec<(usize, bool)> = lengths
            .iter()
            .rev()
            .flat_map(|&(steps, count)| (0..count).map(move |_| (steps, steps % 2 == 0)))
            .collect();
        let found = by_length(&all, most);
        let found: Vec<_> = found.iter().map(|g| (g.shortest, g.longest, g.count, g.correct)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn groups_are_about_equally_large_and_split_no_length() {
        are_grouped(&[(1, 4), (2, 4), (3, 4), (4, 4)], 2, &[(1, 2, 8, 4), (3, 4, 8, 4)]);
        are_grouped(
            &[(1, 4), (2, 4), (3, 4), (4, 4)],
            9,
            &[(1, 1, 4, 0), (2, 2, 4, 4), (3, 3, 4, 0), (4, 4, 4, 4)],
        );
        are_grouped(&[(5, 90), (8, 1), (900, 9)], 5, &[(5, 5, 90, 0), (8, 900, 10, 10)]);
        are_grouped(&[(5, 98), (8, 1), (900, 1)], 5, &[(5, 900, 100, 2)]);
        are_grouped(&[(7, 3)], 5, &[(7, 7, 3, 0)]);
        are_grouped(&[], 5, &[]);
    }
}
