//! Those who answer, each a process of its own.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `birnn serve`.
    Birnn,
    /// PyTorch behind FastAPI and uvicorn, with so many processes.
    Torch(usize),
    /// onnxruntime, likewise.
    Onnx(usize),
}

impl Kind {
    /// All; of Python's those with one process, and with one for each of so many cores.
    pub fn all(cores: usize) -> Vec<Kind> {
        let processes: &[usize] = if cores > 1 { &[1, cores] } else { &[1] };
        let of = |kind: fn(usize) -> Kind| processes.iter().map(move |&count| kind(count));
        [Kind::Birnn].into_iter().chain(of(Kind::Torch)).chain(of(Kind::Onnx)).collect()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, processes) = match self {
            Kind::Birnn => return f.write_str("birnn serve"),
            Kind::Torch(processes) => ("PyTorch", processes),
            Kind::Onnx(processes) => ("onnxruntime", processes),
        };
        let plural = if *processes == 1 { "" } else { "es" };
        write!(f, "{what}, FastAPI and uvicorn, {processes} process{plural}")
    }
}

/// One that runs, until it is dropped.
#[derive(Debug)]
pub struct Contender {
    kind: Kind,
    pub address: SocketAddr,
    child: Child,
    // What it reads while it runs.
    _files: Option<TempDir>,
}

/// How long one may take until it answers.
const UNTIL_READY: Duration = Duration::from_secs(60);

/// Starts them, and waits until all take connections.
pub fn start(kinds: &[Kind], weights: &Path, python: Option<&Path>) -> Result<Vec<Contender>> {
    kinds.iter().map(|&kind| Contender::start(kind, weights, python)).collect()
}

impl Contender {
    pub fn name(&self) -> String {
        self.kind.to_string()
    }

    /// Where it is asked.
    pub fn path(&self) -> &'static str {
        match self.kind {
            Kind::Birnn => "/v1/models/digits/predict",
            Kind::Torch(_) | Kind::Onnx(_) => "/predict",
        }
    }

    /// What it and its processes hold of memory, in MiB: of what they share each its share.
    pub fn memory(&self) -> Option<f64> {
        let mut all = vec![self.child.id()];
        let mut seen = 0;
        while seen < all.len() {
            let id = all[seen];
            let children =
                std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
            seen += 1;
        }
        let kib = |id: &u32| {
            let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
            let line = rollup.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        };
        all.iter().map(kib).sum::<Option<f64>>().map(|kib| kib / 1024.0)
    }

    fn start(kind: Kind, weights: &Path, python: Option<&Path>) -> Result<Contender> {
        let program = std::env::current_exe()?.with_file_name("birnn");
        let (address, child, files) = match kind {
            Kind::Birnn => {
                let mut child = Command::new(&program)
                    .args(["serve", "--listen", "127.0.0.1:0"])
                    .arg(format!("digits={}", weights.display()))
                    // It says where it listens.
                    .env("RUST_LOG", "info")
                    .stderr(Stdio::piped())
                    .spawn()
                    .with_context(|| program.display().to_string())?;
                (listening(&mut child)?, child, None)
            }
            Kind::Torch(processes) | Kind::Onnx(processes) => {
                // It runs in another folder. Not the link's target: what a virtual environment has is beside
                // the link.
                let python = match python.context("no Python was named")? {
                    name if name.components().count() > 1 => std::path::absolute(name)?,
                    name => name.to_owned(),
                };
                let folder = tempfile::tempdir()?;
                let served = match kind {
                    Kind::Onnx(_) => exported(&program, weights, folder.path())?,
                    _ => std::path::absolute(weights)?,
                };
                let script = folder.path().join("served.py");
                std::fs::write(&script, include_str!("../python/served.py"))?;
                // Between this and uvicorn nobody takes it, on a machine that does nothing else.
                let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
                let child = Command::new(&python)
                    .args(["-m", "uvicorn", "served:app", "--host", "127.0.0.1", "--no-access-log"])
                    .args(["--log-level", "error", "--loop", "uvloop", "--http", "httptools"])
                    .args(["--port", &address.port().to_string(), "--workers", &processes.to_string()])
                    .current_dir(folder.path())
                    .env("SERVED", &served)
                    // A process for each core, and no more threads than these.
                    .env("OMP_NUM_THREADS", "1")
                    .stdout(Stdio::null())
                    .spawn()
                    .with_context(|| python.display().to_string())?;
                (address, child, Some(folder))
            }
        };
        let mut contender = Contender { kind, address, child, _files: files };
        contender.wait()?;
        Ok(contender)
    }

    /// Until it takes connections.
    fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended: {status}", self.kind);
            }
            ensure!(begun.elapsed() < UNTIL_READY, "{} takes no connections", self.kind);
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // uvicorn's processes end with the one that has them.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Where `birnn serve` says that it listens.
fn listening(child: &mut Child) -> Result<SocketAddr> {
    let mut told = BufReader::new(child.stderr.take().context("its stderr")?);
    let mut before = String::new();
    loop {
        let mut line = String::new();
        ensure!(told.read_line(&mut line)? > 0, "birnn serve ended: {before}");
        if let Some((_, rest)) = line.split_once("listening on http://") {
            let address = rest.split(": ").next().unwrap_or_default().parse()?;
            // Read on, so that what it says has somewhere to go.
            std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
            return Ok(address);
        }
        before.push_str(&line);
    }
}

fn exported(program: &Path, weights: &Path, folder: &Path) -> Result<PathBuf> {
    let file = folder.join("digits.onnx");
    let output = Command::new(program).arg("export").arg(weights).arg(&file).output()?;
    ensure!(output.status.success(), "birnn export: {}", String::from_utf8_lossy(&output.stderr));
    Ok(file)
}
