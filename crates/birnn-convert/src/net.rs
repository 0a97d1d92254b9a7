//! A net in plain numbers: what is converted.

use std::io;
use std::path::Path;

use birnn_architecture::Architecture;
use birnn_data::name;
use birnn_formats::{Array, StateDict, pytorch};
use birnn_infer::Manifest;
use birnn_infer::container::{Contents, Entry};
use birnn_page::NoPage;

use crate::description::Description;

/// A net in plain numbers, with what its file says of it.
#[derive(Clone, Debug)]
pub struct Net {
    /// Cell, layers, directions and readout.
    pub architecture: Architecture,
    /// What its file says of it.
    pub manifest: Manifest,
    /// Its weights.
    pub weights: StateDict,
}

impl Net {
    /// The net of a weights file or a checkpoint.
    pub fn of(contents: &Contents) -> Net {
        let architecture = *contents.architecture();
        let manifest = contents.manifest().clone().of_weights();
        let features = manifest.modality.inputs();
        let parameters = architecture.parameters(features, manifest.task.outputs()).into_iter();
        let weights = parameters.map(|(name, shape)| {
            let array = Array::new(shape, contents.values(&contents.asked(&name)));
            (name, array)
        });
        Net { architecture, manifest, weights: weights.collect() }
    }

    /// The bytes of a state dict as `torch.load` reads it, and of its description, which goes beside it.
    pub fn to_pytorch(&self) -> io::Result<[Vec<u8>; 2]> {
        let description = Description::of(&self.manifest, &self.architecture);
        Ok([pytorch::encode(&self.weights)?, description.to_json().into_bytes()])
    }

    /// A page with the network in it, which is called there as the file at `path`.
    pub(crate) fn to_page(&self, path: &Path) -> Result<String, NoPage> {
        let name = name::text(path.file_stem().unwrap_or_default());
        let values = |name: &str| self.weights.get(name).map_or(&[][..], Array::values);
        birnn_page::file(&name, &self.architecture, &self.manifest, values)
    }

    /// Its weights as entries of a weights file.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entry =
            |(name, array): (&String, &Array)| Entry::floats(name, array.shape().to_vec(), array.values());
        self.weights.iter().map(entry).collect()
    }
}
