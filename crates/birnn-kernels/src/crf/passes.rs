//! The passes over a sequence, forward and backward (Rabiner 1989, section III), each row scaled by its own
//! sum.

use super::Crf;
use super::numbers::{BLOCK, Block, LEAST, Linear, Log, Numbers, Table, most, within, zip};
use super::reach::Reach;

/// The passes over one sequence after another, in the same buffers.
pub(super) struct Passes<'a> {
    crf: &'a Crf,
    from_start: Reach,
    from_end: Reach,
    /// Whether the sequence is computed by logarithms.
    log: bool,
    steps: usize,
    /// Emissions less the largest of their step. All that follow are `[steps, blocks]`.
    scores: Vec<Block>,
    /// The same as numbers.
    emissions: Vec<Block>,
    /// The weight of all that leads to a tag. The pass backward scales it again, so that its product with the
    /// weight of all that follows is a probability.
    prefixes: Vec<Block>,
    /// The weight of a tag's emission and of all that follows it.
    arrivals: Vec<Block>,
    /// Probabilities.
    marginals: Vec<Block>,
    /// The weight of all that follows a tag, of one step.
    suffix: Vec<Block>,
}

impl<'a> Passes<'a> {
    /// For sequences of up to so many steps.
    pub(super) fn new(crf: &'a Crf, longest: usize) -> Passes<'a> {
        let (blocks, weights) = (crf.blocks(), &crf.log);
        let rows = || vec![[0.0; BLOCK]; longest * blocks];
        Passes {
            crf,
            from_start: Reach::new(&weights.start, &weights.forward, crf.tags, longest),
            from_end: Reach::new(&weights.end, &weights.backward, crf.tags, longest),
            log: false,
            steps: 0,
            scores: rows(),
            emissions: rows(),
            prefixes: rows(),
            arrivals: rows(),
            marginals: rows(),
            suffix: vec![[0.0; BLOCK]; blocks],
        }
    }

    /// The pass forward and the loss of these labels.
    #[inline(always)]
    pub(super) fn loss(&mut self, emissions: &[f32], labels: &[u16]) -> f64 {
        let all = self.forward(emissions);
        let loss = all - self.score(labels);
        // Nothing is more than certain; rounding may say so.
        if loss < 0.0 { 0.0 } else { loss }
    }

    /// The pass forward: the logarithm of the weight of all sequences of tags.
    #[inline(always)]
    pub(super) fn forward(&mut self, emissions: &[f32]) -> f64 {
        self.read(emissions);
        self.log = false;
        let all = self.forward_in::<Linear>();
        if !all.is_nan() {
            return all;
        }
        self.log = true;
        self.forward_in::<Log>()
    }

    /// The pass backward, after that forward.
    #[inline(always)]
    pub(super) fn backward(&mut self) {
        if !self.log {
            if self.backward_in::<Linear>() {
                return;
            }
            self.log = true;
            self.forward_in::<Log>();
        }
        self.backward_in::<Log>();
    }

    /// Adds how often each transition is expected, after the pass backward.
    #[inline(always)]
    pub(super) fn add_transitions(&self, sums: &mut Table) {
        let blocks = self.crf.blocks();
        let (from, to) =
            (&self.prefixes[..(self.steps - 1) * blocks], &self.arrivals[blocks..self.steps * blocks]);
        if self.log {
            Log::add_pairs(&self.crf.log.forward, from, to, sums);
        } else {
            Linear::add_pairs(&self.crf.linear.forward, from, to, sums);
        }
    }

    /// `[steps, blocks]`, after the pass backward.
    pub(super) fn marginals(&self) -> &[Block] {
        &self.marginals[..self.steps * self.crf.blocks()]
    }

    /// Emissions to scores.
    #[inline(always)]
    fn read(&mut self, emissions: &[f32]) {
        let tags = self.crf.tags;
        self.steps = emissions.len() / tags;
        let rows = self.scores.chunks_exact_mut(self.crf.blocks());
        for (row, emissions) in rows.zip(emissions.chunks_exact(tags)) {
            let (values, padding) = row.as_flattened_mut().split_at_mut(tags);
            values.iter_mut().zip(emissions).for_each(|(score, &emission)| *score = f64::from(emission));
            padding.fill(f64::NEG_INFINITY);
            let most = within(most(row));
            row.iter_mut().for_each(|block| *block = block.map(|score| score - most));
        }
    }

    /// The score of these labels.
    fn score(&self, labels: &[u16]) -> f64 {
        let (weights, blocks) = (&self.crf.log, self.crf.blocks());
        let label = |step: usize| usize::from(labels[step]);
        let mut score = weights.start.as_flattened()[label(0)];
        for step in 0..self.steps {
            score += self.scores[step * blocks..].as_flattened()[label(step)];
            if step > 0 {
                score += weights.forward.get(label(step - 1), label(step));
            }
        }
        score + weights.end.as_flattened()[label(self.steps - 1)]
    }

    /// Not a number where these numbers do not hold it.
    #[inline(always)]
    fn forward_in<N: Numbers>(&mut self) -> f64 {
        let (weights, blocks) = (N::weights(self.crf), self.crf.blocks());
        let used = self.steps * blocks;
        let (scores, emissions) = (&self.scores[..used], &mut self.emissions[..used]);
        let scores = scores.as_flattened();
        emissions
            .as_flattened_mut()
            .iter_mut()
            .zip(scores)
            .for_each(|(number, &log)| *number = N::of_log(log));
        let mut all = 0.0;
        for step in 0..self.steps {
            let (before, now) = self.prefixes.split_at_mut(step * blocks);
            let now = &mut now[..blocks];
            if step == 0 {
                now.copy_from_slice(&weights.start);
            } else {
                N::apply(&weights.forward, &before[(step - 1) * blocks..], now);
            }
            multiply::<N>(now, &self.emissions[step * blocks..]);
            if !exact::<N>(now, self.from_start.least(step)) {
                return f64::NAN;
            }
            all += N::log(normalise::<N>(now));
        }
        let suffix = &mut self.suffix;
        suffix.copy_from_slice(&weights.end);
        multiply::<N>(suffix, &self.prefixes[used - blocks..]);
        let last = N::sum(suffix);
        if N::exact(last, LEAST) { all + N::log(last) } else { f64::NAN }
    }

    /// Whether these numbers hold it.
    #[inline(always)]
    fn backward_in<N: Numbers>(&mut self) -> bool {
        let (weights, blocks) = (N::weights(self.crf), self.crf.blocks());
        let suffix = &mut self.suffix[..];
        suffix.copy_from_slice(&weights.end);
        for step in (0..self.steps).rev() {
            let row = step * blocks..(step + 1) * blocks;
            let (prefix, marginal) = (&mut self.prefixes[row.clone()], &mut self.marginals[row.clone()]);
            marginal.copy_from_slice(suffix);
            multiply::<N>(marginal, prefix);
            scale::<N>(prefix, N::inverse(N::sum(marginal)));
            marginal.copy_from_slice(suffix);
            multiply::<N>(marginal, prefix);
            if step == 0 {
                break;
            }
            let arrival = &mut self.arrivals[row.clone()];
            arrival.copy_from_slice(&self.emissions[row]);
            multiply::<N>(arrival, suffix);
            let left = self.steps - 1 - step;
            if !exact::<N>(arrival, self.from_end.least(left)) {
                return false;
            }
            normalise::<N>(arrival);
            N::apply(&weights.backward, arrival, suffix);
            if !exact::<N>(suffix, self.from_end.least(left + 1)) {
                return false;
            }
        }
        let marginals = self.marginals[..self.steps * blocks].as_flattened_mut();
        marginals.iter_mut().for_each(|number| *number = N::weight(*number));
        true
    }
}

/// Multiplies numbers by others.
#[inline(always)]
fn multiply<N: Numbers>(row: &mut [Block], by: &[Block]) {
    row.iter_mut().zip(by).for_each(|(block, by)| *block = zip(*block, *by, N::product));
}

#[inline(always)]
fn scale<N: Numbers>(row: &mut [Block], by: f64) {
    row.iter_mut().for_each(|block| *block = block.map(|number| N::product(number, by)));
}

/// Divides a row by its sum, which this is.
#[inline(always)]
fn normalise<N: Numbers>(row: &mut [Block]) -> f64 {
    let sum = N::sum(row);
    scale::<N>(row, N::inverse(sum));
    sum
}

/// Whether all of a row have lost nothing.
#[inline(always)]
fn exact<N: Numbers>(row: &[Block], least: &[Block]) -> bool {
    row.as_flattened().iter().zip(least.as_flattened()).all(|(&number, &least)| N::exact(number, least))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that is computed with one kind of numbers, if that holds it.
    fn answer(passes: &mut Passes, emissions: &[f32], log: bool) -> Option<Vec<f64>> {
        passes.read(emissions);
        passes.log = log;
        let all = if log { passes.forward_in::<Log>() } else { passes.forward_in::<Linear>() };
        let held = if log { passes.backward_in::<Log>() } else { passes.backward_in::<Linear>() };
        let tags = passes.crf.tags;
        let mut sums = Table::new(tags, |_, _| 0.0);
        passes.add_transitions(&mut sums);
        let sums = (0..tags * tags).map(|at| sums.get(at / tags, at % tags));
        let marginals = passes.marginals().as_flattened().iter().copied();
        (held && !all.is_nan()).then(|| std::iter::once(all).chain(sums).chain(marginals).collect())
    }

    #[test]
    fn both_kinds_of_numbers_say_the_same_and_the_quick_one_holds_what_is_usual() {
        for (tags, spread, holds) in
            [(1, 9.0, true), (5, 10.0, true), (23, 50.0, true), (80, 100.0, true), (5, 500.0, false)]
        {
            let values = |count: usize, size: f32| -> Vec<f32> {
                (0..count).map(|index| size * ((index * 7919 % 2003) as f32 / 1001.5 - 1.0)).collect()
            };
            let crf = Crf::new(tags, &values(tags * tags, 2.0), &values(tags, 2.0), &values(tags, 2.0), None);
            let mut passes = Passes::new(&crf, 40);
            let emissions = values(40 * tags, spread);
            let linear = answer(&mut passes, &emissions, false);
            assert_eq!(linear.is_some(), holds, "{tags} tags, {spread} apart");
            let log = answer(&mut passes, &emissions, true).unwrap();
            for (linear, log) in linear.unwrap_or(log.clone()).iter().zip(&log) {
                assert!((linear - log).abs() < 1e-10 * log.abs().max(1.0), "{linear}, not {log}");
            }
        }
    }
}
