//! Back from the logits to the states: how strongly a loss depends on what the net holds at each time step.

use birnn_data::{Sequences, Targets};
use birnn_kernels::{Input, StateGradient, forward, state_gradients};

use crate::network::{Network, Workspace};
use crate::predictor::Predictor;

impl Network {
    /// The gradient of a loss with respect to the state after each time step: per layer from the bottom,
    /// forward then reverse. `d_logits` gives that with respect to the logits, which are those of
    /// [`Network::logits`], or [`Network::logits_ragged`], for the same `input`.
    ///
    /// # Panics
    ///
    /// As these, and where the gradient has another length than the logits.
    pub fn state_gradients(
        &self,
        workspace: &mut Workspace,
        input: Input<'_>,
        d_logits: impl FnOnce(&[f32]) -> Vec<f32>,
    ) -> Vec<StateGradient> {
        let Workspace { recurrent, pooling: buffers, .. } = workspace;
        let width = self.architecture().output_features();
        forward(&self.recurrent, recurrent, input, None, self.room(input, buffers));
        let seen = self.read(input.lengths, buffers);
        let mut d_seen = vec![0.0; seen.len()];
        let d_logits = d_logits(&self.apply_head(seen));
        self.head.transposed().forward(&d_logits, &mut d_seen);
        let d_top = match &self.pooling {
            None => d_seen,
            Some(pooling) => {
                let back = pooling.backward();
                let mut d_top = vec![0.0; buffers.top.len()];
                let mut begin = 0;
                for (time, d_read) in input.lengths.each().zip(d_seen.chunks_exact(width)) {
                    let own = begin..begin + time * width;
                    begin = own.end;
                    back.run(&buffers.top[own.clone()], d_read, &mut d_top[own]);
                }
                d_top
            }
        };
        state_gradients(&self.recurrent, recurrent, &d_top)
    }
}

impl Predictor {
    /// The gradient of each sequence's own loss, as an evaluation has it, with respect to the state after
    /// each time step: per layer from the bottom, forward then reverse.
    ///
    /// # Panics
    ///
    /// Where the sequences are not of the kind that the net reads, there are not as many targets, or one is
    /// none of the task's.
    pub fn state_gradients(
        &self,
        workspace: &mut Workspace,
        sequences: &Sequences,
        targets: &Targets,
    ) -> Vec<StateGradient> {
        self.check(sequences);
        let mut batch = std::mem::take(&mut workspace.read);
        let lexicon = self.lexicon(sequences);
        let input = self.reading(lexicon.as_ref(), |reading| {
            batch.of(self.network(), workspace, sequences.iter(), reading)
        });
        let d_logits = |logits: &[f32]| {
            let answers = self.answers_of(logits.to_vec(), sequences);
            self.task().loss_gradient(&answers, targets)
        };
        let gradients = self.network().state_gradients(workspace, input, d_logits);
        workspace.read = batch;
        gradients
    }
}
