//! A real Chromium for tests of pages, out of npm's packages, and what scripts look at pages with:
//! playwright-core, axe-core, zbar, pngjs, acorn.
//!
//! Nothing is installed and no root is needed: all of it lies under `target/`, fonts with Chinese
//! letters from a Debian package included. Scripts run beside the packages, so that they import
//! them by name. Never here: what a test looks for.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::debian::unpacked;
use crate::jars::{clear, tail};
use crate::npm::{Packages, node_program};
use crate::tools::search_path;
use crate::{Error, Process, target};

/// The newest Chromium in it whose package runs on Node 20 is 147.
const PACKAGES: Packages<'_> = Packages {
    name: "browser",
    manifest: include_str!("../npm/browser/package.json"),
    lock: Some(include_str!("../npm/browser/package-lock.json")),
};

/// Debian's fonts with Chinese letters, the ones of most Android phones.
const FONTS: &str = "fonts-noto-cjk";

/// It unpacks itself into the temporary folder. Its libraries, for machines that lack them, are
/// unpacked where it believes to be on Amazon's Linux.
const UNPACK: &str = "
process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs20.x';
const { default: chromium } = await import('@sparticuz/chromium');
chromium.setGraphicsMode = false;
await chromium.executablePath();
";

/// 65 MB of Brotli took 3 s here.
const UNPACKED_WITHIN: Duration = Duration::from_mins(3);

/// A Chromium that is there.
#[derive(Debug)]
pub struct Chromium {
    packages: PathBuf,
    fonts: PathBuf,
    node: PathBuf,
}

/// The Chromium, fetched first if it is not there: half a minute, or nothing.
///
/// # Errors
///
/// It cannot be had: a sentence that says what to install.
pub fn chromium() -> Result<Chromium, Error> {
    let path = search_path();
    let node = node_program("node", &path)?;
    let packages = PACKAGES.folder(|folder, lock| unpack(&node, folder, lock))?;
    let fonts = unpacked(&target().join("debian"), FONTS, &path)?;
    let chromium = Chromium { packages, fonts, node };
    chromium.write_font_settings()?;
    Ok(chromium)
}

impl Chromium {
    /// A command that runs the script `main` of the folder `scripts` in Node, from a copy of that
    /// folder's files beside the packages. Playwright's programs find the browser in
    /// `CHROMIUM` and put what is temporary into `temporary`, which is made.
    ///
    /// # Errors
    ///
    /// The files cannot be copied.
    pub fn node(&self, scripts: &Path, main: &str, temporary: &Path) -> Result<Command, Error> {
        let copy = temporary.join("scripts");
        clear(&copy)?;
        fs::create_dir_all(&copy).map_err(Error::io("making", &copy))?;
        for file in fs::read_dir(scripts).map_err(Error::io("reading", scripts))?.flatten() {
            let from = file.path();
            if from.extension() == Some(OsStr::new("mjs")) {
                fs::copy(&from, copy.join(file.file_name()))
                    .map_err(Error::io("copying", &from))?;
            }
        }
        let link = temporary.join("node_modules");
        drop(fs::remove_file(&link));
        std::os::unix::fs::symlink(self.packages.join("node_modules"), &link)
            .map_err(Error::io("linking", &link))?;
        let mut command = Command::new(&self.node);
        command.arg(copy.join(main)).current_dir(temporary);
        command.envs(self.environment()).env("TMPDIR", temporary);
        Ok(command)
    }

    /// What the browser needs in its environment, and where it is.
    fn environment(&self) -> [(&'static str, OsString); 3] {
        // The machine's own libraries come first: these are only for what is missing.
        let lib = self.packages.join("unpacked/al2023/lib");
        let missing = if has_own_libraries() { OsString::new() } else { lib.into_os_string() };
        [
            ("CHROMIUM", self.packages.join("unpacked/chromium").into_os_string()),
            ("FONTCONFIG_FILE", self.font_settings().into_os_string()),
            ("LD_LIBRARY_PATH", missing),
        ]
    }

    fn font_settings(&self) -> PathBuf {
        self.fonts.with_file_name("fonts.conf")
    }

    /// Names the folder of this checkout, so it is written each time; whole or not at all.
    fn write_font_settings(&self) -> Result<(), Error> {
        let settings = self.font_settings();
        let fonts = self.fonts.join("usr/share/fonts");
        let cache = self.fonts.with_file_name("cache");
        let alias = |family: &str, preferred: &str| {
            format!(
                "<match target=\"pattern\"><test name=\"family\"><string>{family}</string></test>\
                 <edit name=\"family\" mode=\"append\" binding=\"strong\">\
                 <string>{preferred}</string></edit></match>\n"
            )
        };
        let text = format!(
            "<?xml version=\"1.0\"?>\n<!DOCTYPE fontconfig SYSTEM \"fonts.dtd\">\n<fontconfig>\n\
             <dir>{}</dir>\n<cachedir>{}</cachedir>\n{}{}</fontconfig>\n",
            fonts.display(),
            cache.display(),
            alias("sans-serif", "Noto Sans CJK SC"),
            alias("serif", "Noto Serif CJK SC"),
        );
        if fs::read_to_string(&settings).is_ok_and(|had| had == text) {
            return Ok(());
        }
        let aside = settings.with_extension(std::process::id().to_string());
        fs::write(&aside, text).map_err(Error::io("writing", &aside))?;
        fs::rename(&aside, &settings).map_err(Error::io("renaming", &aside))
    }
}

/// Whether the libraries that Chromium is linked with and a bare machine lacks are installed.
fn has_own_libraries() -> bool {
    let architecture = std::env::consts::ARCH;
    let places = [format!("/usr/lib/{architecture}-linux-gnu"), "/usr/lib64".into()];
    places.iter().any(|place| {
        let place = Path::new(place);
        ["libnss3.so", "libnspr4.so", "libexpat.so.1"].iter().all(|lib| place.join(lib).exists())
    })
}

fn unpack(node: &Path, folder: &Path, lock: &File) -> Result<(), Error> {
    let unpacked = folder.join("unpacked");
    fs::create_dir_all(&unpacked).map_err(Error::io("making", &unpacked))?;
    let (script, log) = (folder.join("unpack.mjs"), folder.join("unpack.log"));
    fs::write(&script, UNPACK).map_err(Error::io("writing", &script))?;
    let mut temporary = OsString::from("TMPDIR=");
    temporary.push(&unpacked);
    let command = ["env".into(), temporary, node.as_os_str().to_owned(), script.into_os_string()];
    let ended = Process::spawn_holding(&command, &log, lock)?.wait(UNPACKED_WITHIN)?;
    if ended.success() && unpacked.join("chromium").is_file() {
        return Ok(());
    }
    Err(Error::new(format!("Chromium could not be unpacked ({ended}). {}", tail(&log))))
}
