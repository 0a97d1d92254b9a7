//! A graph under construction: nodes in the order in which they run, and the constants that they read.

pub(super) use super::proto::DataType;
use super::proto::*;

/// Nodes and constants so far. Values go by name; a node with one output gives it its own.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
}

impl Graph {
    /// The finished graph, from its inputs to its output.
    pub fn finish(self, name: &str, inputs: Vec<ValueInfoProto>, output: ValueInfoProto) -> GraphProto {
        GraphProto {
            node: self.nodes,
            name: name.to_owned(),
            initializer: self.initializers,
            input: inputs,
            output: vec![output],
        }
    }

    /// Adds a node with one output, and returns the output's name.
    pub fn node(&mut self, op: &str, name: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        self.node_into(op, name, inputs, &[name], attributes);
        name.to_owned()
    }

    /// Adds a node whose outputs have names of their own; an empty one is not wanted.
    pub fn node_into(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        self.nodes.push(NodeProto {
            input: names(inputs),
            output: names(outputs),
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute: attributes,
        });
    }

    /// Adds weights, and returns their name.
    pub fn floats<'v>(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl IntoIterator<Item = &'v f32>,
    ) -> String {
        let mut raw_data = Vec::with_capacity(4 * shape.iter().product::<usize>());
        values.into_iter().for_each(|value| raw_data.extend(value.to_le_bytes()));
        let dims = shape.iter().map(|&length| length as i64).collect();
        self.initializers.push(TensorProto {
            dims,
            data_type: DataType::Float as i32,
            name: name.to_owned(),
            raw_data,
        });
        name.to_owned()
    }

    pub fn transpose(&mut self, name: &str, input: &str, axes: &[i64]) -> String {
        self.node("Transpose", name, &[input], vec![ints("perm", axes)])
    }

    /// To a shape in which 0 keeps a length and -1 takes what is left.
    pub fn reshape(&mut self, name: &str, input: &str, shape: &[i64]) -> String {
        let shape = self.constant(&format!("{name}.shape"), shape);
        self.node("Reshape", name, &[input, &shape], vec![])
    }

    pub fn squeeze(&mut self, name: &str, input: &str, axis: i64) -> String {
        let axes = self.constant(&format!("{name}.axes"), &[axis]);
        self.node("Squeeze", name, &[input, &axes], vec![])
    }

    pub fn concat(&mut self, name: &str, inputs: [&str; 2], axis: i64) -> String {
        self.node("Concat", name, &inputs, vec![int("axis", axis)])
    }

    /// From `start` by `step` as far as the first axis, time, goes.
    pub fn slice_time(&mut self, name: &str, input: &str, start: i64, step: i64) -> String {
        let end = if step < 0 { i64::MIN } else { i64::MAX };
        let [start, end, axis, step] = [("starts", start), ("ends", end), ("axes", 0), ("steps", step)]
            .map(|(input, value)| self.constant(&format!("{name}.{input}"), &[value]));
        self.node("Slice", name, &[input, &start, &end, &axis, &step], vec![])
    }

    pub fn cast(&mut self, name: &str, input: &str, to: DataType) -> String {
        self.node("Cast", name, &[input], vec![int("to", to as i64)])
    }

    /// Adds integers, and returns their name.
    pub fn constant(&mut self, name: &str, values: &[i64]) -> String {
        self.integers(name, vec![values.len() as i64], values)
    }

    /// Adds an integer that has no axis, and returns its name.
    pub fn scalar(&mut self, name: &str, value: i64) -> String {
        self.integers(name, vec![], &[value])
    }

    /// Adds an integer of 32 bits that has no axis, and returns its name.
    pub fn short_scalar(&mut self, name: &str, value: i32) -> String {
        self.initializers.push(TensorProto {
            dims: vec![],
            data_type: DataType::Int32 as i32,
            name: name.to_owned(),
            raw_data: value.to_le_bytes().to_vec(),
        });
        name.to_owned()
    }

    fn integers(&mut self, name: &str, dims: Vec<i64>, values: &[i64]) -> String {
        self.initializers.push(TensorProto {
            dims,
            data_type: DataType::Int64 as i32,
            name: name.to_owned(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name.to_owned()
    }
}

pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

pub(super) fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..attribute(name, AttributeType::Ints) }
}

pub(super) fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.into()), ..attribute(name, AttributeType::String) }
}

pub(super) fn strings(name: &str, values: &[&str]) -> AttributeProto {
    let strings = values.iter().map(|&value| value.into()).collect();
    AttributeProto { strings, ..attribute(name, AttributeType::Strings) }
}

/// A length that is known.
pub(super) fn fixed(length: usize) -> Dimension {
    Dimension { value: Some(DimensionValue::DimValue(length as i64)) }
}

/// A length that the caller chooses.
pub(super) fn free(name: &str) -> Dimension {
    Dimension { value: Some(DimensionValue::DimParam(name.to_owned())) }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: kind as i32, ..AttributeProto::default() }
}

/// An input or output.
pub(super) fn tensor(name: &str, of: DataType, shape: &[Dimension]) -> ValueInfoProto {
    let tensor_type =
        Some(TensorTypeProto { elem_type: of as i32, shape: Some(TensorShapeProto { dim: shape.to_vec() }) });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
}
