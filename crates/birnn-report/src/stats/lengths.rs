//! Whether the length of a sequence has to do with how it is answered.

/// Sequences of about the same length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LengthGroup {
    /// The fewest steps of any.
    pub shortest: usize,
    /// The most.
    pub longest: usize,
    /// Their indices.
    pub sequences: Vec<usize>,
}

/// At most so many groups of about as many sequences, the shortest first, from each sequence's steps.
/// Sequences of the same length are in one group, whatever becomes of its size.
pub fn by_length(lengths: &[usize], most: usize) -> Vec<LengthGroup> {
    let mut sorted: Vec<usize> = (0..lengths.len()).collect();
    sorted.sort_by_key(|&sequence| lengths[sequence]);
    let enough = sorted.len().div_ceil(most.max(1));
    let mut groups: Vec<LengthGroup> = Vec::new();
    for same in sorted.chunk_by(|&a, &b| lengths[a] == lengths[b]) {
        let steps = lengths[same[0]];
        match groups.last_mut().filter(|group| group.sequences.len() < enough) {
            Some(group) => {
                group.longest = steps;
                group.sequences.extend(same);
            }
            None => groups.push(LengthGroup { shortest: steps, longest: steps, sequences: same.to_vec() }),
        }
    }
    // What is left over for the last may be too little to stand alone.
    if groups.len() > 1
        && let Some(last) = groups.pop_if(|last| 2 * last.sequences.len() < enough)
        && let Some(before) = groups.last_mut()
    {
        before.longest = last.longest;
        before.sequences.extend(last.sequences);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many of each length: shortest, longest and count of each group.
    #[track_caller]
    fn are_grouped(lengths: &[(usize, usize)], most: usize, expected: &[(usize, usize, usize)]) {
        let all: Vec<usize> =
            lengths.iter().rev().flat_map(|&(steps, count)| std::iter::repeat_n(steps, count)).collect();
        let groups = by_length(&all, most);
        let found: Vec<_> = groups.iter().map(|g| (g.shortest, g.longest, g.sequences.len())).collect();
        assert_eq!(found, expected);
        for LengthGroup { shortest, longest, sequences } in groups {
            assert!(sequences.iter().all(|&index| (shortest..=longest).contains(&all[index])));
        }
    }

    #[test]
    fn groups_are_about_equally_large_and_split_no_length() {
        are_grouped(&[(1, 4), (2, 4), (3, 4), (4, 4)], 2, &[(1, 2, 8), (3, 4, 8)]);
        are_grouped(&[(1, 4), (2, 4), (3, 4), (4, 4)], 9, &[(1, 1, 4), (2, 2, 4), (3, 3, 4), (4, 4, 4)]);
        are_grouped(&[(5, 90), (8, 1), (900, 9)], 5, &[(5, 5, 90), (8, 900, 10)]);
        are_grouped(&[(5, 98), (8, 1), (900, 1)], 5, &[(5, 900, 100)]);
        are_grouped(&[(7, 3)], 5, &[(7, 7, 3)]);
        are_grouped(&[], 5, &[]);
    }
}
