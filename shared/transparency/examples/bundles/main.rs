//! `cargo run -p transparency --example bundles -- DIRECTORY`: bundles to try verifiers on. `week` is the one in `samples`. Below the
//! directory, `good` has bundles that bear a claim about thirty days, each with the lines that `verify-uptime` prints of it; `bad` has
//! tampered ones, which are named after what was done to them. Beside each are the keys it is to be verified with. `witnesses` are the
//! keys of two who have cosigned `good/cosigned`, and of which one at least has not cosigned those in `uncosigned`.

#![expect(clippy::unwrap_used, reason = "made for tests, where what can not go on fails")]

mod log;
mod made;
mod record;
mod tampered;

use std::{fs, io, path::Path};

use made::Sample;
use transparency::{
    Bundle,
    claim::{Claim, Expected},
};

fn main() -> io::Result<()> {
    let directory = std::env::args_os().nth(1).ok_or_else(|| io::Error::other("no directory was given"))?;
    let directory = Path::new(&directory);
    let (good, bad) = (directory.join("good"), directory.join("bad"));
    let uncosigned = directory.join("uncosigned");
    for directory in [&good, &bad, &uncosigned] {
        fs::create_dir_all(directory)?;
    }
    let week = made::week();
    fs::write(directory.join("week.bundle"), &week.text)?;
    fs::write(directory.join("week.txt"), lines(&week))?;
    for sample in made::good() {
        write(&good, &sample)?;
        fs::write(good.join(sample.name).with_extension("txt"), lines(&sample))?;
    }
    for sample in tampered::bad() {
        write(&bad, &sample)?;
    }
    for sample in made::uncosigned() {
        write(&uncosigned, &sample)?;
    }
    fs::write(directory.join("witnesses"), format!("{}\n{}\n", made::witness(1), made::witness(2)))
}

fn write(directory: &Path, sample: &Sample) -> io::Result<()> {
    let path = directory.join(sample.name);
    fs::write(path.with_extension("bundle"), &sample.text)?;
    let keys: Vec<String> = sample.keys.iter().map(ToString::to_string).collect();
    fs::write(path.with_extension("keys"), keys.join("\n") + "\n")
}

/// What a verifier says of a good one.
fn lines(sample: &Sample) -> String {
    let bundle = Bundle::parse(&sample.text).unwrap();
    let verified = bundle.verify(&sample.keys).unwrap();
    Claim::of(&verified, &Expected::default()).unwrap().to_string()
}
