//! The contract of carts and intents, on disk.

use super::open_sessions;
use crate::store::Sessions;
use crate::store::session_contract::session_contract;

async fn fresh() -> (tempfile::TempDir, Sessions) {
    let folder = tempfile::tempdir().expect("a folder");
    let sessions = open_sessions(folder.path(), &Default::default())
        .await
        .expect("opens");
    (folder, sessions)
}

session_contract!(fresh);
