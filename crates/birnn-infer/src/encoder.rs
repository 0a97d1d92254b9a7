//! What a net holds of sequences, in place of its answers: the states of its recurrent layers, as features
//! for others.

use birnn_data::{Per, Sequences};

use crate::manifest::Manifest;
use crate::predictor::Predictor;

/// A net to ask for its states. Threads can share it.
#[derive(Debug)]
pub struct Encoder {
    predictor: Predictor,
    per: Per,
}

impl Encoder {
    /// Of the net of `predictor`: per sequence what the head sees, as the net's readout has it; per step the
    /// outputs of the top layer, of a net of any readout. `None` of a net that answers each step, which has
    /// nothing for a sequence.
    pub fn new(predictor: Predictor, per: Per) -> Option<Encoder> {
        let predictor = match (per, predictor.task().per()) {
            (Per::Sequence, Per::Sequence) => predictor,
            (Per::Sequence, Per::Step) => return None,
            (Per::Step, _) => predictor.with_every_step(),
        };
        Some(Encoder { predictor, per })
    }

    /// Of what it gives a vector.
    pub fn per(&self) -> Per {
        self.per
    }

    /// What the net's file says of it.
    pub fn manifest(&self) -> &Manifest {
        self.predictor.manifest()
    }

    /// Values of a vector: the units of all directions of the top layer, forward before reverse.
    pub fn width(&self) -> usize {
        self.predictor.network().architecture().output_features()
    }

    /// The states of many sequences, one after the other, on so many threads: `[sequences, width]`, or
    /// `[steps of all, width]`. They are the same whatever the number, and those of a sequence alone and
    /// among any others.
    ///
    /// # Panics
    ///
    /// As [`Predictor::logits`](crate::Predictor::logits).
    pub fn states_of_all(&self, sequences: &Sequences, threads: usize) -> Vec<f32> {
        self.predictor.check(sequences);
        let lexicon = self.predictor.lexicon(sequences);
        self.predictor.reading(lexicon.as_ref(), |reading| {
            self.predictor.network().states_of_all(sequences, reading, threads)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use birnn_architecture::Readout;
    use birnn_data::{Missing, Modality, Series, Values};

    use super::*;
    use crate::container::encode;
    use crate::made_up;

    const READOUTS: [Readout; 5] =
        [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention];
    /// Units of each direction of the made-up net.
    const UNITS: usize = 4;

    fn predictor(readout: Readout) -> Predictor {
        let (weights, mut manifest) = made_up::of(|experiment| experiment.model.readout = readout);
        manifest.modality = Modality::Series(Series {
            steps: Some([1, 9]),
            missing: Missing::Last,
            mean: vec![100.0, -3.0],
            deviation: Some(vec![50.0, 0.5]),
            ..Series::plain(Vec::new())
        });
        let bytes = encode(&manifest.of_weights(), &weights).unwrap();
        Predictor::from_bytes(Path::new("net"), &bytes).unwrap()
    }

    /// Of 1 to 40 steps, with gaps.
    fn series() -> Sequences {
        let lengths: Vec<usize> = (0..100).map(|index| 1 + index * 7 % 40).collect();
        let value = |index: usize| if index % 13 == 5 { f32::NAN } else { (index * 89 % 251) as f32 };
        let count = 2 * lengths.iter().sum::<usize>();
        Sequences::new(Values::Floats((0..count).map(value).collect()), 2, lengths)
    }

    #[test]
    fn a_sequence_gives_the_same_bits_alone_and_in_any_batch() {
        let series = series();
        let backwards: Vec<usize> = (0..series.len()).rev().collect();
        for (readout, per) in
            READOUTS.into_iter().flat_map(|readout| [(readout, Per::Sequence), (readout, Per::Step)])
        {
            let encoder = Encoder::new(predictor(readout), per).unwrap();
            let of = |indices: &[usize], threads| encoder.states_of_all(&series.select(indices), threads);
            let alone: Vec<Vec<f32>> = (0..series.len()).map(|index| of(&[index], 1)).collect();
            let counts = series.lengths().map(|length| per.positions(length) * encoder.width());
            assert!(alone.iter().map(Vec::len).eq(counts), "{readout:?} {per:?}");
            assert!(
                alone.iter().flatten().all(|state| state.is_finite() && *state != 0.0),
                "{readout:?} {per:?}"
            );
            for threads in [1, 3] {
                assert_eq!(encoder.states_of_all(&series, threads), alone.concat(), "{readout:?} {per:?}");
            }
            let turned: Vec<f32> = alone.iter().rev().flatten().copied().collect();
            assert_eq!(of(&backwards, 2), turned, "{readout:?} {per:?}");
        }
    }

    /// The head makes of a sequence's states its logits.
    #[test]
    fn the_head_sees_the_states_of_a_sequence() {
        for readout in READOUTS {
            let logits = predictor(readout).logits_of_all(&series(), 1);
            let encoder = Encoder::new(predictor(readout), Per::Sequence).unwrap();
            let states = encoder.states_of_all(&series(), 1);
            assert_eq!(encoder.predictor.network().apply_head(&states), logits, "{readout:?}");
        }
    }

    /// Those of the steps are those that each readout is made of.
    #[test]
    fn the_states_of_steps_are_what_is_read_of_a_sequence() {
        for readout in [Readout::Last, Readout::Final, Readout::Max] {
            let of = |per| Encoder::new(predictor(readout), per).unwrap().states_of_all(&series(), 1);
            let (read, steps) = (of(Per::Sequence), of(Per::Step));
            let mut rest = &steps[..];
            for (read, length) in read.chunks(2 * UNITS).zip(series().lengths()) {
                let (own, others) = rest.split_at(length * 2 * UNITS);
                rest = others;
                let rows: Vec<&[f32]> = own.chunks(2 * UNITS).collect();
                let (first, last) = (rows[0], rows[length - 1]);
                let expected = match readout {
                    Readout::Last => last.to_vec(),
                    Readout::Final => [&last[..UNITS], &first[UNITS..]].concat(),
                    _ => (0..2 * UNITS)
                        .map(|unit| rows.iter().map(|row| row[unit]).fold(f32::NEG_INFINITY, f32::max))
                        .collect(),
                };
                assert_eq!(read, expected, "{readout:?}, {length} steps");
            }
        }
    }
}
