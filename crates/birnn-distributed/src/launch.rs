//! What launchers say of the processes that they start, each in variables of its own.

use std::fmt;

/// What a process is told by who started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Who did.
    pub launcher: Launcher,
    /// Which of the processes this is, from 0.
    pub rank: usize,
    /// How many there are.
    pub size: usize,
    /// Which of those on this host it is, from 0.
    pub local_rank: usize,
    /// How many there are on this host, where the launcher says it.
    pub local_size: Option<usize>,
    /// Where rank 0 is: a name or an address.
    pub host: String,
    /// The port on which the store is.
    pub port: u16,
    /// Whether the launcher serves the store itself, as torchrun's agent does; otherwise rank 0 does.
    pub serves_store: bool,
}

/// Who starts the processes of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launcher {
    /// torchrun, and whatever sets the same variables: Kubeflow's PyTorchJob, a script.
    Torchrun,
    /// Open MPI's mpirun.
    OpenMpi,
    /// MPICH's mpiexec, and those made of it (Intel MPI, MVAPICH).
    Mpich,
    /// Slurm's srun.
    Slurm,
}

impl fmt::Display for Launcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Launcher::Torchrun => "torchrun",
            Launcher::OpenMpi => "Open MPI",
            Launcher::Mpich => "MPICH",
            Launcher::Slurm => "Slurm",
        })
    }
}

/// Why it cannot be told which of the processes this is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// A variable is there without another that belongs to it.
    #[error("{name} is not set, and {with} is: set both for several processes, or neither")]
    Absent {
        /// The variable.
        name: &'static str,
        /// The one that is set.
        with: &'static str,
    },
    /// A variable says nothing that it could.
    #[error("{name} is `{value}`: {wanted} is meant")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it could be.
        wanted: &'static str,
    },
    /// A rank that is not one of so many.
    #[error("{name} is {rank}, and there are {size} processes, counted from 0")]
    OutOfRange {
        /// The variable.
        name: &'static str,
        /// Its value.
        rank: usize,
        /// How many there are.
        size: usize,
    },
    /// By variables set by hand or by a script, and that of rank 0's host is not among them.
    #[error(
        "MASTER_ADDR is not set: set it, for all {0} processes, to the name or address of rank 0's host, and MASTER_PORT to \
         a port that is free there"
    )]
    NoAddress(usize),
    /// Over several hosts nobody says which is rank 0's.
    #[error(
        "{0} started the processes on several hosts and does not say which is rank 0's: set MASTER_ADDR to its name or \
         address, such as mpirun -x MASTER_ADDR=host1"
    )]
    NoMaster(Launcher),
}

/// Where rank 0 is asked for, where nothing else is said: PyTorch's port.
const PORT: u16 = 29500;

/// The variables of a launcher: rank, size, rank and size on the host.
struct Names {
    launcher: Launcher,
    rank: &'static str,
    size: &'static str,
    local_rank: &'static str,
    /// Slurm has a list for all hosts in its place.
    local_size: Option<&'static str>,
}

/// What a task of one of Slurm's steps has.
const SLURM_STEP: [&str; 2] = ["SLURM_PROCID", "SLURM_STEP_NUM_TASKS"];

/// In the order in which they are looked for: a script may set torchrun's own whatever started it, and
/// Slurm's are there for all that runs in a job.
const LAUNCHERS: [Names; 4] = [
    Names {
        launcher: Launcher::Torchrun,
        rank: "RANK",
        size: "WORLD_SIZE",
        local_rank: "LOCAL_RANK",
        local_size: Some("LOCAL_WORLD_SIZE"),
    },
    Names {
        launcher: Launcher::OpenMpi,
        rank: "OMPI_COMM_WORLD_RANK",
        size: "OMPI_COMM_WORLD_SIZE",
        local_rank: "OMPI_COMM_WORLD_LOCAL_RANK",
        local_size: Some("OMPI_COMM_WORLD_LOCAL_SIZE"),
    },
    Names {
        launcher: Launcher::Mpich,
        rank: "PMI_RANK",
        size: "PMI_SIZE",
        local_rank: "MPI_LOCALRANKID",
        local_size: Some("MPI_LOCALNRANKS"),
    },
    // Those of a step: a batch script has SLURM_PROCID and SLURM_NTASKS, too, and is one process.
    Names {
        launcher: Launcher::Slurm,
        rank: SLURM_STEP[0],
        size: SLURM_STEP[1],
        local_rank: "SLURM_LOCALID",
        local_size: None,
    },
];

impl Launch {
    /// What the environment says, as `var` reads it; `None` where nobody started several processes.
    pub fn from_env(var: impl Fn(&str) -> Option<String>) -> Result<Option<Launch>, LaunchError> {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        let is_step = || SLURM_STEP.iter().all(|name| var(name).is_some());
        let is_meant = |names: &&Names| match names.launcher {
            Launcher::Slurm => is_step(),
            // srun sets the two for each task, where it is to serve programs made for MPICH.
            Launcher::Mpich if is_step() && var(names.local_rank).is_none() => false,
            _ => var(names.rank).is_some() || var(names.size).is_some(),
        };
        let Some(names) = LAUNCHERS.iter().find(is_meant) else { return Ok(None) };
        let Names { launcher, local_size, .. } = *names;
        let number = |name: &'static str| whole(name, var(name));
        let needed = |name, with| number(name)?.ok_or(LaunchError::Absent { name, with });
        let rank = needed(names.rank, names.size)?;
        let size = needed(names.size, names.rank)?;
        if size == 0 {
            let value = "0".to_owned();
            return Err(LaunchError::Invalid { name: names.size, value, wanted: "a number from 1" });
        }
        if rank >= size {
            return Err(LaunchError::OutOfRange { name: names.rank, rank, size });
        }
        let local_rank = number(names.local_rank)?.unwrap_or(0);
        let local_size = local_size.map(number).transpose()?.flatten();
        let host = match (var("MASTER_ADDR"), launcher) {
            (Some(host), _) => host,
            (None, Launcher::Slurm) => {
                let nodes = var("SLURM_STEP_NODELIST").or_else(|| var("SLURM_JOB_NODELIST"));
                nodes.as_deref().and_then(first_node).ok_or(LaunchError::NoMaster(launcher))?
            }
            (None, _) if size == 1 || local_size == Some(size) => "127.0.0.1".to_owned(),
            (None, Launcher::Torchrun) => return Err(LaunchError::NoAddress(size)),
            (None, _) => return Err(LaunchError::NoMaster(launcher)),
        };
        let port = match (var("MASTER_PORT"), launcher) {
            (Some(value), _) => match value.parse() {
                Ok(port) if port > 0 => port,
                _ => {
                    let wanted = "a port, 1 to 65535,";
                    return Err(LaunchError::Invalid { name: "MASTER_PORT", value, wanted });
                }
            },
            // Another for each job, as several may share a host.
            (None, Launcher::Slurm) => {
                let job = number("SLURM_JOB_ID")?.unwrap_or(0);
                15_000 + (job % 10_000) as u16
            }
            (None, _) => PORT,
        };
        let serves_store = var("TORCHELASTIC_USE_AGENT_STORE").as_deref() == Some("True");
        Ok(Some(Launch { launcher, rank, size, local_rank, local_size, host, port, serves_store }))
    }

    /// Where the store is, for people.
    pub fn master(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

fn whole(name: &'static str, value: Option<String>) -> Result<Option<usize>, LaunchError> {
    let parse = |value: String| match value.trim().parse() {
        Ok(number) => Ok(number),
        Err(_) => Err(LaunchError::Invalid { name, value, wanted: "a whole number from 0" }),
    };
    value.map(parse).transpose()
}

/// The first host of a list as Slurm writes them: `node[003-005,9],other` begins with `node003`.
fn first_node(list: &str) -> Option<String> {
    let end = list.find([',', '[']).unwrap_or(list.len());
    let (mut name, mut rest) = (list[..end].to_owned(), &list[end..]);
    // A name may have several brackets: `rack[1-2]node[3-4]`.
    while let Some(inside) = rest.strip_prefix('[') {
        let (numbers, after) = inside.split_once(']')?;
        name.push_str(numbers.split([',', '-']).next()?);
        let end = after.find([',', '[']).unwrap_or(after.len());
        name.push_str(&after[..end]);
        rest = &after[end..];
    }
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(vars: &str) -> Result<Option<Launch>, LaunchError> {
        let vars: Vec<(&str, &str)> = vars.split_whitespace().filter_map(|var| var.split_once('=')).collect();
        Launch::from_env(|name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    /// Launcher, rank, size, local rank, local size or 0, and where rank 0 is.
    #[track_caller]
    fn found(vars: &str, expected: (Launcher, [usize; 4], &str)) {
        let launch = launch(vars).unwrap().unwrap();
        let Launch { launcher, rank, size, local_rank, local_size, .. } = launch;
        let master = launch.master();
        let local_size = local_size.unwrap_or(0);
        assert_eq!((launcher, [rank, size, local_rank, local_size], &master[..]), expected, "{vars}");
    }

    #[track_caller]
    fn refused(vars: &str, expected: &str) {
        let error = launch(vars).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn each_launcher_is_understood() {
        found(
            "RANK=3 WORLD_SIZE=4 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 MASTER_ADDR=a.example MASTER_PORT=1234",
            (Launcher::Torchrun, [3, 4, 1, 2], "a.example:1234"),
        );
        found(
            "RANK=1 WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 LOCAL_RANK=1",
            (Launcher::Torchrun, [1, 2, 1, 2], "127.0.0.1:29500"),
        );
        found("RANK=0 WORLD_SIZE=1", (Launcher::Torchrun, [0, 1, 0, 0], "127.0.0.1:29500"));
        found(
            "RANK=0 WORLD_SIZE=2 MASTER_ADDR=fe80::1",
            (Launcher::Torchrun, [0, 2, 0, 0], "[fe80::1]:29500"),
        );
        found(
            "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_LOCAL_RANK=1 \
             OMPI_COMM_WORLD_LOCAL_SIZE=3 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=9",
            (Launcher::OpenMpi, [1, 3, 1, 3], "127.0.0.1:29500"),
        );
        found(
            "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=0 \
             OMPI_COMM_WORLD_LOCAL_SIZE=1 MASTER_ADDR=10.0.0.1",
            (Launcher::OpenMpi, [1, 2, 0, 1], "10.0.0.1:29500"),
        );
        found(
            "PMI_RANK=2 PMI_SIZE=3 MPI_LOCALRANKID=2 MPI_LOCALNRANKS=3",
            (Launcher::Mpich, [2, 3, 2, 3], "127.0.0.1:29500"),
        );
        let slurm =
            "SLURM_PROCID=5 SLURM_STEP_NUM_TASKS=6 SLURM_LOCALID=2 SLURM_JOB_ID=1234567 SLURM_NTASKS=6";
        found(
            &format!("{slurm} SLURM_STEP_NODELIST=gpu[017,020-031] SLURM_JOB_NODELIST=gpu[001-031]"),
            (Launcher::Slurm, [5, 6, 2, 0], "gpu017:19567"),
        );
        // By srun --mpi=pmi2, and by mpiexec, which srun started on each host.
        found(
            &format!("{slurm} PMI_RANK=5 PMI_SIZE=6 SLURM_JOB_NODELIST=n1"),
            (Launcher::Slurm, [5, 6, 2, 0], "n1:19567"),
        );
        found(
            "PMI_RANK=1 PMI_SIZE=2 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=2 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1",
            (Launcher::Mpich, [1, 2, 1, 2], "127.0.0.1:29500"),
        );
        found(
            &format!("{slurm} SLURM_JOB_NODELIST=n1 MASTER_PORT=9"),
            (Launcher::Slurm, [5, 6, 2, 0], "n1:9"),
        );
    }

    #[test]
    fn who_was_started_alone_is_alone() {
        for vars in [
            "",
            "MASTER_ADDR=x MASTER_PORT=29500",
            "RANK=",
            // A batch script of a job of four tasks, which calls no srun.
            "SLURM_PROCID=0 SLURM_NTASKS=4 SLURM_JOB_NODELIST=n[1-4] SLURM_JOB_ID=7",
        ] {
            assert_eq!(launch(vars), Ok(None), "{vars}");
        }
    }

    #[test]
    fn what_torchruns_agent_says_is_kept() {
        let vars = "RANK=0 WORLD_SIZE=1 TORCHELASTIC_USE_AGENT_STORE=True";
        assert!(launch(vars).unwrap().unwrap().serves_store);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        refused("RANK=1", "WORLD_SIZE is not set, and RANK is: set both");
        refused("WORLD_SIZE=2", "RANK is not set, and WORLD_SIZE is");
        refused("RANK=x WORLD_SIZE=2", "RANK is `x`: a whole number from 0 is meant");
        refused("RANK=2 WORLD_SIZE=2", "RANK is 2, and there are 2 processes, counted from 0");
        refused("RANK=0 WORLD_SIZE=0", "WORLD_SIZE is `0`: a number from 1 is meant");
        refused("RANK=0 WORLD_SIZE=2 MASTER_ADDR=h MASTER_PORT=0", "MASTER_PORT is `0`: a port");
        refused("RANK=0 WORLD_SIZE=2 MASTER_ADDR=h MASTER_PORT=70000", "MASTER_PORT is `70000`");
        refused("RANK=0 WORLD_SIZE=2", "MASTER_ADDR is not set: set it, for all 2 processes");
        refused("RANK=1 WORLD_SIZE=2 LOCAL_RANK=1", "MASTER_ADDR is not set: set it, for all 2 processes");
        refused("PMI_RANK=0 PMI_SIZE=4 MPI_LOCALNRANKS=2", "MPICH started the processes on several hosts");
        refused("SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2", "Slurm started the processes on several hosts");
    }

    #[test]
    fn the_first_of_slurms_nodes() {
        for (list, first) in [
            ("a", Some("a")),
            ("a,b", Some("a")),
            ("node[003-005,9],other", Some("node003")),
            ("node[7,9]", Some("node7")),
            ("rack[1-2]node[03-04]x,b", Some("rack1node03x")),
            ("n[1", None),
            ("", None),
        ] {
            assert_eq!(first_node(list).as_deref(), first, "{list}");
        }
    }
}
