//! Where scenarios come from: built into the binary, from a `scenarios/` folder, or from any path.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use checked_yaml::{Problems, did_you_mean};

/// Folder in the current one whose files can be called by name.
pub const LOCAL_FOLDER: &str = "scenarios";
/// Largest scenario file read.
const FILE_BYTES_MAX: u64 = checked_yaml::TEXT_BYTES_MAX as u64;

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/", $name, ".yaml")))),+]
    };
}

/// The scenarios that the binary brings, by name.
pub const BUILT_IN: [(&str, &str); 8] = built_in![
    "checkout-storm",
    "browse-baseline",
    "flash-sale",
    "search-heavy",
    "returning-customers",
    "soak",
    "smoke",
    "order-producer",
];

/// A scenario one can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScenarioRef {
    /// One that the binary brings.
    BuiltIn(&'static str),
    /// A file.
    Path(PathBuf),
}

impl ScenarioRef {
    /// Finds what `name` means: a path if it looks like one, else a file in `scenarios/`, else a built-in one. A local
    /// file goes before a built-in one of the same name, so that a copy can be changed in place.
    ///
    /// # Errors
    /// A name that nothing has.
    pub fn find(name: &str) -> Result<Self, Problems> {
        if name.contains(['/', '\\']) || name.ends_with(".yaml") || name.ends_with(".yml") {
            return Ok(Self::Path(PathBuf::from(name)));
        }
        let local = local_path(name);
        if local.is_file() {
            return Ok(Self::Path(local));
        }
        if let Some((built_in, _)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            return Ok(Self::BuiltIn(built_in));
        }
        let known = all();
        let names: Vec<String> = known.iter().map(Self::name).collect();
        let hint = did_you_mean(name, names.iter().map(String::as_str)).unwrap_or_default();
        let help = format!(
            "{hint}\nscenarios: {}\na file is given by its path, such as ./{name}.yaml",
            names.join(", ")
        );
        Err(Problems::without_text(
            name,
            format!("there is no scenario `{name}`"),
            help.trim(),
        ))
    }

    /// The name by which [`Self::find`] finds it again.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(name) => (*name).to_owned(),
            Self::Path(path) if path.parent() == Some(Path::new(LOCAL_FOLDER)) => path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            Self::Path(path) => path.display().to_string(),
        }
    }

    /// What messages and run records call it.
    pub fn origin(&self) -> String {
        match self {
            Self::BuiltIn(name) => format!("built-in:{name}"),
            Self::Path(path) => path.display().to_string(),
        }
    }

    /// The folder to which paths in the file are relative.
    pub fn folder(&self) -> &Path {
        match self {
            Self::BuiltIn(_) => Path::new(""),
            Self::Path(path) => path.parent().unwrap_or(Path::new("")),
        }
    }

    /// The file's text.
    ///
    /// # Errors
    /// A file that cannot be read, is too large, or is not text.
    pub fn text(&self) -> Result<String, Problems> {
        match self {
            Self::BuiltIn(name) => {
                let text = BUILT_IN
                    .iter()
                    .find(|(built_in, _)| built_in == name)
                    .map(|(_, text)| *text);
                Ok(text.unwrap_or_default().to_owned())
            }
            Self::Path(path) => read(path).map_err(|reason| {
                let name = path.display().to_string();
                Problems::without_text(
                    &name,
                    format!("the scenario `{name}` cannot be read: {reason}"),
                    "",
                )
            }),
        }
    }
}

/// All scenarios that can be called by name: local ones, then built-in ones that no local one hides.
pub fn all() -> Vec<ScenarioRef> {
    let mut local: Vec<PathBuf> = fs::read_dir(LOCAL_FOLDER)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    local.sort();
    let hidden = |name: &str| local_path(name).is_file();
    let built_in = BUILT_IN
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !hidden(name))
        .map(ScenarioRef::BuiltIn);
    local
        .iter()
        .cloned()
        .map(ScenarioRef::Path)
        .chain(built_in)
        .collect()
}

fn local_path(name: &str) -> PathBuf {
    Path::new(LOCAL_FOLDER).join(format!("{name}.yaml"))
}

fn read(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| words(&error))?;
    if size.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if size.len() > FILE_BYTES_MAX {
        return Err(format!("it is larger than {} KiB", FILE_BYTES_MAX >> 10));
    }
    let text = fs::read_to_string(path).map_err(|error| words(&error))?;
    // The mark that some programs put in front of UTF-8.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}
