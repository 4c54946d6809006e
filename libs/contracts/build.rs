//! Compiles the contracts with a pure-Rust protobuf compiler: neither `protoc` nor a system library is needed.

use std::error::Error;
use std::path::{Path, PathBuf};

const PACKAGES: [&str; 5] = ["type", "inventory", "prerequisites", "authority", "monitoring"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("../../proto");
    let mut files = Vec::new();
    for package in PACKAGES {
        let folder = root.join("tandem").join(package).join("v1");
        println!("cargo::rerun-if-changed={}", folder.display());
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "proto") {
                files.push(path);
            }
        }
    }
    files.sort();

    // Method options are lost in the generated code, so the encoded set keeps them for whoever enforces them.
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("tandem.bin"), compiler.encode_file_descriptor_set())?;

    tonic_prost_build::configure().compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
