//! What the stand-in remembers: one JSON file for each object, written before the request is answered. Must not know
//! what the objects mean.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Most objects of one kind; an org beyond that is a mistake in a loop.
const OBJECTS_MAX: usize = 20_000;
/// The first monitor's id; the API's are this long.
const FIRST_NUMBER: u64 = 10_000_001;
/// The org's id, in answers.
pub(super) const ORG_ID: u64 = 321_813;

/// A state that handlers share. Held for the length of one request only, never across an await.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<Org>>);

impl Shared {
    pub(super) fn new(org: Org) -> Self {
        Self(Arc::new(Mutex::new(org)))
    }

    /// A handler that panicked left whole objects behind, so a poisoned lock is as good as any.
    pub(super) fn lock(&self) -> MutexGuard<'_, Org> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that the org has.
#[derive(Debug)]
pub(super) struct Org {
    dir: PathBuf,
    next: u64,
    pub(super) monitors: Collection,
    pub(super) slos: Collection,
    pub(super) corrections: Collection,
    pub(super) dashboards: Collection,
    /// What was deleted and can be restored.
    pub(super) deleted_dashboards: Collection,
    pub(super) dashboard_lists: Collection,
    pub(super) downtimes: Collection,
    pub(super) downtimes_v1: Collection,
}

impl Org {
    /// Opens a directory, made if it does not exist.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let next = match std::fs::read_to_string(dir.join("next-id")) {
            Ok(text) => text.trim().parse().map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => FIRST_NUMBER,
            Err(error) => return Err(error),
        };
        Ok(Self {
            dir: dir.to_owned(),
            next,
            monitors: Collection::open(dir, "monitors")?,
            slos: Collection::open(dir, "slos")?,
            corrections: Collection::open(dir, "corrections")?,
            dashboards: Collection::open(dir, "dashboards")?,
            deleted_dashboards: Collection::open(dir, "deleted_dashboards")?,
            dashboard_lists: Collection::open(dir, "dashboard_lists")?,
            downtimes: Collection::open(dir, "downtimes")?,
            downtimes_v1: Collection::open(dir, "downtimes_v1")?,
        })
    }

    /// A number that was never given out before, not even before a restart.
    pub(super) fn next_number(&mut self) -> io::Result<u64> {
        let number = self.next;
        write(
            &self.dir.join("next-id"),
            (number + 1).to_string().as_bytes(),
        )?;
        self.next = number + 1;
        Ok(number)
    }

    /// An id of 32 hexadecimal digits.
    pub(super) fn next_hex(&mut self) -> io::Result<String> {
        let number = self.next_number()?;
        Ok(format!("{:016x}{:016x}", mix(number), mix(!number)))
    }

    /// An id in the form of a UUID.
    pub(super) fn next_uuid(&mut self) -> io::Result<String> {
        let bits = mix(self.next_number()?);
        let (high, low) = (bits >> 32, bits & 0xffff_ffff);
        Ok(format!("{high:08x}-0000-11ef-8000-0000{low:08x}"))
    }

    /// An id such as `abc-def-ghi`.
    pub(super) fn next_word(&mut self) -> io::Result<String> {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut bits = mix(self.next_number()?);
        let mut word = String::with_capacity(11);
        for at in 0..11 {
            if at % 4 == 3 {
                word.push('-');
            } else {
                word.push(char::from(LETTERS[(bits % 32) as usize]));
                bits /= 32;
            }
        }
        Ok(word)
    }
}

/// Spreads consecutive numbers over all bits (the finaliser of SplitMix64, which maps no two to one).
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The objects of one kind by id, in the order of creation; after a restart that is known to the second only.
#[derive(Debug)]
pub(super) struct Collection {
    folder: PathBuf,
    items: IndexMap<String, Value>,
}

impl Collection {
    fn open(dir: &Path, name: &str) -> io::Result<Self> {
        let folder = dir.join(name);
        std::fs::create_dir_all(&folder)?;
        let mut items = Vec::new();
        for entry in std::fs::read_dir(&folder)?.take(OBJECTS_MAX) {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if let Some(id) = stem.filter(|_| path.extension().is_some_and(|end| end == "json")) {
                let value: Value = serde_json::from_slice(&std::fs::read(&path)?)
                    .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
                items.push((id.to_owned(), value));
            }
        }
        items.sort_by_key(|(id, value)| (created(value), id.len(), id.clone()));
        let items = items.into_iter().collect();
        Ok(Self { folder, items })
    }

    pub(super) fn get(&self, id: &str) -> Option<&Value> {
        self.items.get(id)
    }

    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.items.values()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Adds or replaces an object, on disk first.
    pub(super) fn put(&mut self, id: &str, value: Value) -> io::Result<()> {
        if self.items.len() >= OBJECTS_MAX && !self.items.contains_key(id) {
            return Err(io::Error::other("the stand-in is full"));
        }
        let text = serde_json::to_vec_pretty(&value)?;
        write(&self.folder.join(format!("{id}.json")), &text)?;
        self.items.insert(id.to_owned(), value);
        Ok(())
    }

    pub(super) fn remove(&mut self, id: &str) -> io::Result<()> {
        std::fs::remove_file(self.folder.join(format!("{id}.json")))?;
        self.items.shift_remove(id);
        Ok(())
    }
}

/// When an object was made, in whichever form its kind says so.
fn created(value: &Value) -> String {
    let value = value.get("attributes").unwrap_or(value);
    let at = value.get("created_at").or_else(|| value.get("created"));
    at.map(ToString::to_string).unwrap_or_default()
}

/// A file is either the old one or the new one, whenever the process dies.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The moment, in the API's spelling.
pub(super) fn now_text() -> String {
    let now = OffsetDateTime::now_utc();
    now.format(&Rfc3339)
        .unwrap_or_default()
        .replace('Z', "+00:00")
}

/// The moment in seconds.
pub(super) fn now_seconds() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Who makes everything here, as a number.
pub(super) const CREATOR_ID: u64 = 1_445_416;
/// The same in the API's second version.
pub(super) const CREATOR_UUID: &str = "3ad549bf-0000-11e9-8000-0705486660d0";

/// Who makes everything here, as the API's second version includes people.
pub(super) fn creator_resource() -> Value {
    let person = creator();
    json!({ "type": "users", "id": CREATOR_UUID, "attributes": {
        "uuid": CREATOR_UUID, "name": person["name"], "handle": person["handle"], "email": person["email"], "icon": "",
    } })
}

/// Who makes everything here.
pub(super) fn creator() -> Value {
    json!({ "name": "Stand-in", "handle": "stand-in@example.com", "email": "stand-in@example.com" })
}
