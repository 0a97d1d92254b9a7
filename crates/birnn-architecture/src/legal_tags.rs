//! Which tags may stand where.

/// Which tags a conditional random field may give: all others have probability zero.
///
/// There is a legal sequence of any length if one tag may stand first and last, which can then be repeated
/// ([`LegalTags::always`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalTags {
    /// `[from, to]`: whether a tag may stand right after another.
    pub transitions: Vec<bool>,
    /// Whether each may be the first.
    pub start: Vec<bool>,
    /// Whether each may be the last.
    pub end: Vec<bool>,
}

impl LegalTags {
    /// Whether there is a legal sequence of any length.
    pub fn always(&self) -> bool {
        self.start.iter().zip(&self.end).any(|(&start, &end)| start && end)
    }

    /// Those that are in no legal sequence, however long.
    pub fn never(&self) -> Vec<usize> {
        let count = self.start.len();
        let closure = |mut reached: Vec<bool>, leads: &dyn Fn(usize, usize) -> bool| {
            let is_next = |reached: &[bool], to| (0..count).any(|from| reached[from] && leads(from, to));
            while let Some(next) = (0..count).find(|&to| !reached[to] && is_next(&reached, to)) {
                reached[next] = true;
            }
            reached
        };
        let from_start = closure(self.start.clone(), &|from, to| self.transitions[from * count + to]);
        let to_end = closure(self.end.clone(), &|to, from| self.transitions[from * count + to]);
        (0..count).filter(|&tag| !(from_start[tag] && to_end[tag])).collect()
    }
}
