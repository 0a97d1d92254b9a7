//! Sequences of unequal lengths: each gives the bits that it gives alone.

use birnn_architecture::{Architecture, Cell, Readout};
use birnn_infer::{Network, Workspace, cpu};

const LENGTHS: [usize; 6] = [3, 7, 1, 3, 40, 5];
const FEATURES: usize = 4;
const OUTPUTS: usize = 3;

/// Values that look random and are the same each time.
fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((seed * 31 + index * 7919) % 1009) as f32 / 504.5 - 1.0).collect()
}

fn net(architecture: &Architecture) -> Network {
    let parameters = architecture.parameters(FEATURES, OUTPUTS);
    Network::new(architecture, FEATURES, OUTPUTS, cpu::instructions(), |name| {
        let found = parameters.iter().enumerate().find(|(_, (known, _))| known == name);
        found.map(|(index, (_, shape))| values(shape.iter().product(), index)).unwrap_or_default()
    })
}

#[test]
fn each_gives_what_it_gives_alone() {
    use Readout::{Attention, Final, Last, Max, Mean, Sequence};
    let input = values(LENGTHS.iter().sum::<usize>() * FEATURES, 99);
    let mut workspace = Workspace::new();
    for cell in [Cell::RnnTanh, Cell::RnnRelu, Cell::Gru, Cell::Lstm] {
        for (layers, reverse) in [(1, None), (2, Some(5)), (2, Some(6))] {
            for readout in [Last, Final, Mean, Max, Attention, Sequence] {
                let architecture = Architecture { cell, layers, forward: 6, reverse, dropout: 0.0, readout };
                let net = net(&architecture);
                let mut rest = &input[..];
                let alone: Vec<f32> = LENGTHS
                    .iter()
                    .flat_map(|length| {
                        let (own, others) = rest.split_at(length * FEATURES);
                        rest = others;
                        net.logits(&mut workspace, own, 1)
                    })
                    .collect();
                let found = net.logits_ragged(&mut workspace, &input, &LENGTHS);
                assert!(found == alone, "{architecture:?}");
                assert!(found.iter().all(|logit| logit.is_finite()), "{architecture:?}");
            }
        }
    }
}
