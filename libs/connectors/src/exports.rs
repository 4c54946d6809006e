//! A folder of exports: which files there are, what each holds, and which hierarchy it belongs to.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tandem_domain::id::HierarchyId;
use tandem_domain::site::SiteFacts;

use crate::document;
use crate::head;
use crate::item::Item;
use crate::kind::{self, Kind, Told};
use crate::page::{self, Shape};
use crate::policy_file::{self, PolicyFile};
use crate::provider::{self, Evidence};
use crate::read;
use crate::record::Fault;
use crate::summary::{FileSummary, Summary, UnusedFile};
use crate::tenant_file::{self, TenantFile};
use crate::walk;

/// Why a folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is nothing of that name.
    #[error("{} does not exist; expected a folder of exports", .0.display())]
    Missing(PathBuf),
    /// It is a file or another thing.
    #[error("{} is not a folder; expected a folder of exports", .0.display())]
    NotAFolder(PathBuf),
    /// It cannot be listed.
    #[error("{} cannot be read", folder.display())]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has no file to read.
    #[error("{} holds no export; expected *.json or *.toml files", .0.display())]
    Empty(PathBuf),
}

/// A file that will be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Path below the folder, parts separated by `/`.
    pub file: String,
    /// What it holds.
    pub kind: Kind,
    /// Its size.
    pub bytes: u64,
    pub(crate) path: PathBuf,
    pub(crate) shape: Shape,
    /// Host of its provider, for pages of the AdminService whose context names one.
    pub(crate) host: Option<String>,
    /// Index of the site whose provider answered, for pages of the AdminService.
    pub(crate) provider: Option<usize>,
}

/// A site whose provider answered: its database is where a ResourceID is unique. Several hosts may serve one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provider {
    /// Index of its hierarchy.
    pub(crate) hierarchy: usize,
    /// What record keys begin with.
    pub(crate) site: String,
}

/// A folder of exports whose files are told apart, and not yet read.
#[derive(Debug)]
pub struct Exports {
    /// Pages, by name. Sites pages and operators' documents are read at once: what they say is below.
    pub(crate) pages: Vec<Input>,
    pub(crate) hierarchies: Vec<HierarchyId>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) tenant_files: Vec<(String, TenantFile)>,
    pub(crate) sites: Vec<(usize, SiteFacts)>,
    pub(crate) policies: Vec<PolicyFile>,
    /// What opening has read and refused.
    pub(crate) opened: Summary,
}

impl Exports {
    /// Walks the folder, tells what each file holds, and reads the small documents: tenant facts, policies, sites.
    ///
    /// Files that cannot be read or told are lines of the later [`Summary`], not errors.
    ///
    /// # Errors
    /// The folder is missing, no folder, cannot be listed, or holds no `*.json` and no `*.toml`.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::Unreadable { folder: folder.to_path_buf(), source };
        match std::fs::metadata(folder) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(OpenError::NotAFolder(folder.to_path_buf())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(OpenError::Missing(folder.to_path_buf()));
            }
            Err(error) => return Err(unreadable(error)),
        }
        let files = walk::files(folder).map_err(unreadable)?;
        if files.is_empty() {
            return Err(OpenError::Empty(folder.to_path_buf()));
        }
        let mut opening = Opening::default();
        for found in files {
            let file = found.file.clone();
            if let Err(faults) = opening.file(found) {
                faults.into_iter().for_each(|fault| opening.exports.opened.refused.push(fault.at(&file, "")));
            }
        }
        opening.assign_hierarchies();
        Ok(opening.exports)
    }

    /// The pages that [`Self::read`] will go through, by name, with their sizes.
    #[must_use]
    pub fn inputs(&self) -> &[Input] {
        &self.pages
    }

    /// The hierarchies that the pages belong to.
    #[must_use]
    pub fn hierarchies(&self) -> &[HierarchyId] {
        &self.hierarchies
    }

    /// Reads everything and hands it on, item by item, in the order of [`Item`]'s variants; sections come as discovery, console
    /// devices, co-management rows, directory devices, managed devices v1.0, managed devices beta. Exports do not say when they
    /// were read, so every section counts as observed at `observed_at`.
    ///
    /// The callback may stop the reading; the summary then covers what was read until there. One reading keeps some bytes per
    /// record and four per membership, and one record of the page at hand.
    pub fn read(&self, observed_at: Timestamp, sink: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Summary {
        read::read(self, observed_at, sink)
    }
}

/// The work of [`Exports::open`].
struct Opening {
    exports: Exports,
    /// Sites pages, which tell the hierarchies.
    site_pages: Vec<Input>,
}

impl Default for Opening {
    fn default() -> Self {
        let exports = Exports {
            pages: Vec::new(),
            hierarchies: Vec::new(),
            providers: Vec::new(),
            tenant_files: Vec::new(),
            sites: Vec::new(),
            policies: Vec::new(),
            opened: Summary::default(),
        };
        Self { exports, site_pages: Vec::new() }
    }
}

impl Opening {
    /// Tells what a file is, and reads it if it is small. Of a document everything that is wrong is an error, of others the first.
    fn file(&mut self, found: walk::Found) -> Result<(), Vec<Fault>> {
        let walk::Found { file, path, bytes } = found;
        let bytes = bytes.map_err(|error| vec![page::unreadable(&path, &error)])?;
        let is_toml = walk::is_toml(&path);
        let Told { kind, shape, host } = if is_toml {
            Told { kind: toml_kind(&path)?, shape: Shape::Single, host: None }
        } else {
            let head = head::read(&path).map_err(|fault| vec![fault])?;
            let untold = |reason| vec![page::too_deep(&path).unwrap_or_else(|| Fault::new("", reason))];
            kind::tell(&head).map_err(untold)?
        };
        let input = Input { file, kind, bytes, path, shape, host, provider: None };
        match kind {
            Kind::TenantFacts => self.tenant_file(&input, is_toml)?,
            Kind::CoManagementPolicy => self.policy_file(&input, is_toml)?,
            Kind::Sites => self.site_pages.push(input),
            Kind::ErrorBody => return Err(vec![page::api_error(&input.path)]),
            kind if kind.is_unused() => {
                self.exports.opened.unused.push(UnusedFile { file: input.file, kind })
            }
            _ => self.exports.pages.push(input),
        }
        Ok(())
    }

    fn tenant_file(&mut self, input: &Input, is_toml: bool) -> Result<(), Vec<Fault>> {
        let text = page::text(&input.path).map_err(|fault| vec![fault])?;
        let read = if is_toml { tenant_file::from_toml(&text) } else { tenant_file::from_json(&text) };
        self.document(input, read.as_ref().err());
        self.exports.tenant_files.push((input.file.clone(), read?));
        Ok(())
    }

    fn policy_file(&mut self, input: &Input, is_toml: bool) -> Result<(), Vec<Fault>> {
        let text = page::text(&input.path).map_err(|fault| vec![fault])?;
        let read = if is_toml { policy_file::from_toml(&text) } else { policy_file::from_json(&text) };
        self.document(input, read.as_ref().err());
        self.exports.policies.push(read?);
        Ok(())
    }

    fn document(&mut self, input: &Input, faults: Option<&Vec<Fault>>) {
        let refused = faults.map_or(0, |faults| faults.len() as u64);
        let summary = FileSummary { records: faults.is_none().into(), refused, ..FileSummary::of(input) };
        self.exports.opened.files.push(summary);
    }

    /// Finds every host's hierarchy, and refuses the pages of hosts that have none.
    fn assign_hierarchies(&mut self) {
        let mut sites: BTreeMap<Option<String>, Vec<SiteFacts>> = BTreeMap::new();
        for input in std::mem::take(&mut self.site_pages) {
            let read = read::sites(&input, &mut self.exports.opened);
            sites.entry(input.host).or_default().extend(read);
        }
        let mut hosts = BTreeMap::new();
        let mut wanted: Vec<Option<String>> =
            self.admin_service_pages().map(|input| input.host.clone()).chain(sites.keys().cloned()).collect();
        // Hosts with a sites page first, then the others with a name: each can join a hierarchy that is known by then.
        wanted.sort_by_cached_key(|host| (!sites.contains_key(host), host.is_none(), host.clone()));
        wanted.dedup();
        for host in wanted {
            let own_sites = sites.remove(&host).unwrap_or_default();
            if let Some(hierarchy) = self.hierarchy(host.as_ref(), &own_sites) {
                self.exports.sites.extend(own_sites.into_iter().map(|facts| (hierarchy, facts)));
                hosts.insert(host, hierarchy);
            }
        }
        let providers = self.providers(&hosts);
        for input in std::mem::take(&mut self.exports.pages) {
            self.assign(input, &providers);
        }
    }

    /// The site of every host's provider, by [`provider`]'s rules. Pages without a context are taken for pages of the only
    /// host that their hierarchy has, if it has one only \[derived\].
    fn providers(&mut self, hosts: &BTreeMap<Option<String>, usize>) -> BTreeMap<Option<String>, usize> {
        let mut providers: BTreeMap<Option<String>, usize> = BTreeMap::new();
        // Hosts with a name first: the others may be theirs.
        for (host, &hierarchy) in hosts.iter().rev() {
            let mut named = hosts.iter().filter(|(other, at)| other.is_some() && **at == hierarchy);
            let (first, second) = (named.next(), named.next());
            let provider = match (host, first, second) {
                (None, Some((only, _)), None) => providers.get(only).copied(),
                _ => None,
            };
            let provider = provider.unwrap_or_else(|| {
                let mut evidence = Evidence::default();
                let own = self.admin_service_pages().filter(|input| input.host == *host);
                own.for_each(|input| evidence.gather(input));
                let shared = second.is_some() || host.is_none() && first.is_some();
                let site = evidence.provider(shared).map_or_else(
                    || self.exports.hierarchies[hierarchy].as_str().to_owned(),
                    |site| site.as_str().to_owned(),
                );
                let provider = Provider { hierarchy, site };
                let known = &mut self.exports.providers;
                known.iter().position(|one| *one == provider).unwrap_or_else(|| {
                    known.push(provider);
                    known.len() - 1
                })
            });
            providers.insert(host.clone(), provider);
        }
        providers
    }

    fn assign(&mut self, mut input: Input, providers: &BTreeMap<Option<String>, usize>) {
        if input.kind.is_admin_service() {
            input.provider = providers.get(&input.host).copied();
            if input.provider.is_none() {
                const REASON: &str = "no hierarchy: expected a sites page of the same provider or a `SiteCode` in its \
                                      records; found neither";
                self.exports.opened.refused.push(Fault::new("", REASON).at(&input.file, ""));
                self.exports.opened.files.push(FileSummary { refused: 1, ..FileSummary::of(&input) });
                return;
            }
        }
        self.exports.pages.push(input);
    }

    fn admin_service_pages(&self) -> impl Iterator<Item = &Input> {
        self.exports.pages.iter().filter(|input| input.kind.is_admin_service())
    }

    /// The hierarchy of a host's pages, by [`provider`]'s rules. Without a sites page of its own, the site that the records
    /// name may be one of a hierarchy that another host listed. Pages without a context name no host: where they say nothing
    /// themselves, they belong to the only hierarchy that the others name \[derived\].
    fn hierarchy(&mut self, host: Option<&String>, sites: &[SiteFacts]) -> Option<usize> {
        let mut top = provider::top_site(sites).cloned();
        if top.is_none() {
            let mut evidence = Evidence::default();
            let own = self.admin_service_pages().filter(|input| input.host.as_ref() == host);
            own.for_each(|input| evidence.gather(input));
            top = evidence.site().cloned();
            let listed = self.exports.sites.iter().find(|(_, facts)| Some(&facts.site) == top.as_ref());
            if let Some((hierarchy, _)) = listed {
                return Some(*hierarchy);
            }
        }
        let known = &mut self.exports.hierarchies;
        let Some(top) = top else { return (host.is_none() && known.len() == 1).then_some(0) };
        // A site code has the shape of a hierarchy's id.
        let id = HierarchyId::parse(top.as_str()).ok()?;
        Some(known.iter().position(|hierarchy| *hierarchy == id).unwrap_or_else(|| {
            known.push(id);
            known.len() - 1
        }))
    }
}

fn toml_kind(path: &Path) -> Result<Kind, Vec<Fault>> {
    let text = page::text(path).map_err(|fault| vec![fault])?;
    let table: toml::Table = text.parse().map_err(|error| match document::toml_faults(&text) {
        faults if faults.is_empty() => vec![document::toml_fault(&text, &error)],
        faults => faults,
    })?;
    let mut members = head::Members::default();
    table.keys().for_each(|name| members.note(name.clone()));
    kind::document(&members).ok_or_else(|| {
        let found = match members.some_names() {
            names if names.is_empty() => "no key".to_owned(),
            names => format!("keys {names}"),
        };
        vec![Fault::new("", format!("expected tenant facts or a co-management policy; found {found}"))]
    })
}
