//! `birnn export`: a trained network in a format that others read.

use birnn_convert::{Batch, Format, Net};
use birnn_data::Modality;
use birnn_infer::container::read;
use birnn_run::{disk, weights_of};

use crate::args::ExportArgs;
use crate::asked::{unusable, warn_of_substitution};
use crate::failure::{Failure, Outcome};

/// Writes the network of a run to a file, in the format that its extension names.
pub fn run(args: &ExportArgs) -> Outcome {
    let disk = disk::from_env()?;
    let format = Format::of(&args.out, args.force)?;
    let weights = weights_of(&args.run)?;
    let contents = read(&weights).map_err(|error| unusable(&args.run, error))?;
    warn_of_substitution(&weights, contents.manifest());
    let net = Net::of(&contents);
    let reads_series = matches!(net.manifest.modality, Modality::Series(_));
    if args.single && !(format == Format::Onnx && reads_series) {
        return Err(Failure::request("--single is for .onnx files of nets that read series; leave it out"));
    }
    let batch = if args.single { Batch::One } else { Batch::Padded };
    Ok(format.write(&*disk, &args.out, &net, batch)?)
}
