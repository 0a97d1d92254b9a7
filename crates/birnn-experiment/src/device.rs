//! What a user asks to compute on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A device as named in a config: `auto`, `cpu`, `cuda` or `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^(auto|cpu|cuda(:[0-9]+)?)$", "examples" = ["auto", "cpu", "cuda", "cuda:1"]))]
pub enum DeviceChoice {
    /// The best there is: CUDA, else the CPU.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The NVIDIA GPU of this index.
    Cuda(usize),
}

impl TryFrom<String> for DeviceChoice {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match name.as_str() {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            other => match other.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(index)) => Ok(DeviceChoice::Cuda(index)),
                _ => Err(format!("unknown device `{name}`; there are `auto`, `cpu`, `cuda`, `cuda:N`")),
            },
        }
    }
}

impl std::str::FromStr for DeviceChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        name.to_owned().try_into()
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> String {
        match choice {
            DeviceChoice::Auto => "auto".to_owned(),
            DeviceChoice::Cpu => "cpu".to_owned(),
            DeviceChoice::Cuda(index) => format!("cuda:{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for name in ["auto", "cpu", "cuda:0", "cuda:3"] {
            let choice: DeviceChoice = name.parse().unwrap();
            assert_eq!(String::from(choice), name);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for name in ["", "gpu", "mps", "cuda:", "cuda:x", "cuda:-1", "CPU"] {
            let error = name.parse::<DeviceChoice>().unwrap_err();
            assert!(error.contains("`cuda:N`"), "{error}");
        }
    }
}
