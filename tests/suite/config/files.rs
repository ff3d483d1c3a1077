//! Finding and reading the config file.

use super::*;

#[test]
fn the_search_path_follows_xdg() {
    let path = |xdg: Option<&str>, home: Option<&str>| search_path(xdg.map(Into::into), home.map(Into::into));
    let system = PathBuf::from("/etc/talklight/config.toml");
    assert_eq!(path(Some("/x"), Some("/h")), [PathBuf::from("/x/talklight/config.toml"), system.clone()]);
    assert_eq!(path(None, Some("/h")), [PathBuf::from("/h/.config/talklight/config.toml"), system.clone()]);
    assert_eq!(path(Some("x"), Some("/h")), path(None, Some("/h")));
    assert_eq!(path(Some(""), None), [system]);
}

#[test]
fn a_file_that_exists_is_never_skipped() {
    let dir = std::env::temp_dir().join(format!("talklight-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let [absent, file, latin1, long, link] = ["absent", "file", "latin1", "long", "link"].map(|name| dir.join(name));
    std::fs::write(&file, "[strip]\nleds = 5").unwrap();
    std::fs::write(&latin1, b"# gr\xfcn\n").unwrap();
    std::fs::write(&long, "#".repeat(64 * 1024 + 1)).unwrap();
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(&absent, &link).unwrap();

    assert_eq!(
        find(&[absent.clone(), file.clone()]).unwrap(),
        (Origin::File(file.clone()), "[strip]\nleds = 5".into())
    );
    assert_eq!(find(&[file.join("below"), absent.clone()]).unwrap(), (Origin::BuiltIn, String::new()));
    let message = |path: &PathBuf| {
        find(&[path.clone(), file.clone()]).unwrap_err().to_string().replace(dir.to_str().unwrap(), "")
    };
    assert_eq!(message(&latin1), "/latin1: line 1 is not UTF-8; save the file as UTF-8 text");
    assert_eq!(message(&long), "/long: is longer than 65536 bytes, the limit for a config");
    assert_eq!(message(&link), "/link: is a link to a file that does not exist");
    assert_eq!(message(&dir), ": is a directory; give the file in it");

    let load = |path| Config::load(Some(path), &Overrides::default());
    assert_eq!(load(&file).unwrap().look.leds, 5);
    let message = load(&absent).unwrap_err().to_string();
    assert_eq!(message, format!("{}: no such file", absent.display()));
    std::fs::remove_dir_all(&dir).unwrap();
}
