//! Names one digit with a net that birnn or PyTorch saved: no engine, no data set, no experiment.
//!
//!     cargo run -p birnn-formats --example digit [WEIGHTS [READOUT]]
//!
//! Readouts are last, which is taken where none is named, final, mean and max; that of attention is told from
//! its weights. Without a file it takes the small net beside this example, read by final, 98.76 % on MNIST's
//! test images, made by `cargo xtask train configs/bilstm-final.toml --set model.layers=1 --set
//! model.hidden=64 --set train.epochs=8`.

use std::path::{Path, PathBuf};

use birnn_formats::{InferredModel, read};
use birnn_model::tch::{Device, Kind, Tensor, nn};
use birnn_model::{Network, Readout, restore};

/// 28 rows of 28 pixels, as MNIST would have it: ink from ` ` to `@`.
const DIGIT: &str = include_str!("digit.txt");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/digits.safetensors");
    let mut args = std::env::args_os().skip(1);
    let (weights, readout) = match args.next() {
        None => (beside, Some("final".into())),
        Some(weights) => (PathBuf::from(weights), args.next()),
    };

    // The net is inferred from names and shapes, in which the other readouts leave no trace.
    let mut model = InferredModel::new(read(&weights)?)?;
    match readout.as_deref().map(|readout| readout.to_string_lossy()).as_deref() {
        None => {}
        Some("last") => model.config.readout = Readout::Last,
        Some("final") => model.config.readout = Readout::Final,
        Some("mean") => model.config.readout = Readout::Mean,
        Some("max") => model.config.readout = Readout::Max,
        Some(other) => return Err(format!("{other}: no readout; last, final, mean or max").into()),
    }
    let mut variables = nn::VarStore::new(Device::Cpu);
    let net = Network::new(&variables.root(), &model.config.resolve()?, model.inputs(), model.outputs)?;
    let arrays = model.weights.iter().map(|(name, array)| (name, array.shape(), array.values()));
    restore(&mut variables, arrays)?;

    let image = Tensor::from_slice(&pixels()).view([1, 28, 28]);
    let probabilities = net.forward(&image, false)?.softmax(-1, Kind::Float);
    let class = probabilities.argmax(1, false).int64_value(&[0]);
    print!("{DIGIT}");
    println!("{class} ({:.2} %)", 100.0 * probabilities.double_value(&[0, class]));
    Ok(())
}

/// From 0, background, to 1, full ink.
fn pixels() -> Vec<f32> {
    const SHADES: &str = " .:-=+*#%@";
    let shade = |pixel| SHADES.find(pixel).map_or(0.0, |shade| shade as f32 / 9.0);
    DIGIT
        .lines()
        .take(28)
        .flat_map(|line| (0..28).map(move |x| line.chars().nth(x).map_or(0.0, shade)))
        .collect()
}
