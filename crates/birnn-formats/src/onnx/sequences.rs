//! A batch of sequences in a graph: all of one length, or padded to the longest.

use super::graph::{DataType, Graph, int};

/// A batch, or what a layer makes of one.
#[derive(Clone)]
pub(super) struct Sequences {
    /// `[time, batch, features]`.
    pub values: String,
    /// None where all are of one length.
    pub lengths: Option<Lengths>,
}

/// How many steps are each sequence's own.
#[derive(Clone)]
pub(super) struct Lengths {
    /// As recurrent nodes take them: `i32 [batch]`.
    pub each: String,
    /// As all else does: `i64 [batch]`.
    wide: String,
    /// `i64 [batch, 1]`.
    column: String,
    /// Whether a step is the sequence's own: `bool [time, batch, 1]`.
    own: String,
}

impl Lengths {
    /// From `each`, `i32 [batch]`, of sequences side by side as `values`. All that belongs to it has a name
    /// that begins with `prefix`.
    pub fn new(graph: &mut Graph, prefix: &str, each: &str, values: &str) -> Lengths {
        let name = |name: &str| format!("{prefix}{name}");
        let wide = graph.cast(&name("lengths_wide"), each, DataType::Int64);
        let column = graph.reshape(&name("lengths_column"), &wide, &[-1, 1]);
        let first_axis = vec![int("start", 0), int("end", 1)];
        let time = graph.node("Shape", &name("time_axis"), &[values], first_axis);
        let time = graph.squeeze(&name("time"), &time, 0);
        let [first, one] =
            [("steps.start", 0), ("steps.delta", 1)].map(|(of, value)| graph.scalar(&name(of), value));
        let steps = graph.node("Range", &name("steps"), &[&first, &time, &one], vec![]);
        let steps = graph.reshape(&name("steps_by_time"), &steps, &[-1, 1, 1]);
        let own = graph.node("Less", &name("own_steps"), &[&steps, &column], vec![]);
        Lengths { each: each.to_owned(), wide, column, own }
    }

    /// Whole numbers, one for each step, `[time, batch]`, with this for padding.
    pub fn padded(&self, graph: &mut Graph, name: &str, numbers: &str, padding: &str) -> String {
        let own = graph.squeeze(&format!("{name}_own"), &self.own, 2);
        graph.node("Where", name, &[&own, numbers, padding], vec![])
    }

    /// As numbers to divide by: `[batch, 1]`.
    pub fn counts(&self, graph: &mut Graph) -> String {
        graph.cast("lengths_float", &self.column, DataType::Float)
    }
}

impl Sequences {
    /// Each from its end; padding stays where it is.
    pub fn mirrored(&self, graph: &mut Graph, name: &str) -> Sequences {
        let values = match &self.lengths {
            None => graph.slice_time(name, &self.values, -1, -1),
            Some(lengths) => {
                let axes = vec![int("batch_axis", 1), int("time_axis", 0)];
                graph.node("ReverseSequence", name, &[&self.values, &lengths.wide], axes)
            }
        };
        Sequences { values, ..self.clone() }
    }

    /// The last step of each, as sequences of one step.
    pub fn last_steps(&self, graph: &mut Graph) -> Sequences {
        let values = match &self.lengths {
            None => graph.slice_time("last_step", &self.values, -1, 1),
            Some(_) => {
                let from_the_end = self.mirrored(graph, "last_step_flip");
                let first = graph.constant("last_step.index", &[0]);
                graph.node("Gather", "last_step", &[&from_the_end.values, &first], vec![int("axis", 0)])
            }
        };
        Sequences { values, lengths: None }
    }

    /// With this for padding. No product with a mask would do it: 0 * NaN is NaN.
    pub fn padded(&self, graph: &mut Graph, name: &str, padding: f32) -> Sequences {
        let Some(lengths) = &self.lengths else { return self.clone() };
        let padding = graph.floats(&format!("{name}.padding"), &[], &[padding]);
        let values = graph.node("Where", name, &[&lengths.own, &self.values, &padding], vec![]);
        Sequences { values, ..self.clone() }
    }
}
