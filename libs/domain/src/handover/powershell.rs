//! Text for PowerShell. Whatever a device or collection is called, its name is data in a script and never code.
//!
//! Scripts are pure ASCII: Windows PowerShell 5.1 reads a file without a byte order mark in the machine's
//! code page, where bytes of a UTF-8 letter can turn into typographic quotes, which PowerShell takes for
//! quotes. Comments carry no names.

use super::{Member, MembershipAction, MembershipWork};

const MEMBERSHIP_HEAD: &str = "\
# Changes the direct membership rules of one device collection of Configuration Manager.
# Run it from the site drive of the ConfigurationManager module, on site version 2107 or later.
# -WhatIf shows what it would do. It may be run again: rules that are as wanted are left alone.
[CmdletBinding(SupportsShouldProcess)]
param()

$ErrorActionPreference = 'Stop'
";

const MEMBERSHIP_FUNCTIONS: &str = "\
Write-Verbose \"collection $collectionId, $collectionName\"

$have = New-Object 'System.Collections.Generic.HashSet[int]'
Get-CMDeviceCollectionDirectMembershipRule -CollectionId $collectionId | ForEach-Object {
    if ($null -eq $_.ResourceID) {
        throw 'expected rules with a ResourceID, found one without; nothing was changed'
    }
    [void]$have.Add([int]$_.ResourceID)
}

function Add-Batch([int[]]$ResourceId) {
    [int[]]$missing = @($ResourceId | Where-Object { -not $have.Contains($_) })
    if ($missing.Count -gt 0) {
        Add-CMDeviceCollectionDirectMembershipRule -CollectionId $collectionId -ResourceId $missing `
            -WhatIf:$WhatIfPreference
    }
}

function Remove-Batch([string[]]$ResourceId) {
    [string[]]$present = @($ResourceId | Where-Object { $have.Contains([int]$_) })
    if ($present.Count -gt 0) {
        Remove-CMDeviceCollectionDirectMembershipRule -CollectionId $collectionId -ResourceId $present -Force `
            -WhatIf:$WhatIfPreference
    }
}

";

const MEMBERSHIP_TAIL: &str = "
# Starts one evaluation. Members follow seconds to minutes later: look, do not ask again.
Invoke-CMCollectionUpdate -CollectionId $collectionId -WhatIf:$WhatIfPreference
";

/// The script that does the work on one collection (handover.md 3.1). It asks for the rules first and changes
/// only what is missing: whether adding a rule that exists fails is not documented \[derived\].
pub(super) fn membership_script(work: &MembershipWork) -> String {
    let mut script = MEMBERSHIP_HEAD.to_owned();
    script += &format!("$collectionId = {}\n", literal(work.collection().as_str()));
    script += &format!("$collectionName = {}\n", literal(work.collection_name()));
    script += MEMBERSHIP_FUNCTIONS;
    for action in MembershipAction::ALL {
        for batch in work.batches(action) {
            script += &call(action, batch);
        }
    }
    script + MEMBERSHIP_TAIL
}

/// One batch. Add-… takes `Int32[]`, Remove-… takes `String[]` (handover.md 3.1).
fn call(action: MembershipAction, batch: &[Member]) -> String {
    let (function, quote) = match action {
        MembershipAction::Add => ("Add-Batch", ""),
        MembershipAction::Remove => ("Remove-Batch", "'"),
    };
    let ids: Vec<String> =
        batch.iter().map(|member| format!("{quote}{}{quote}", member.resource_id)).collect();
    format!("{function} -ResourceId {}\n", ids.join(", "))
}

/// An expression whose value is that text: a single-quoted literal, in which nothing is expanded, with quotes
/// doubled. What is not printable ASCII is added by its UTF-16 code units, because of typographic quotes,
/// line ends and code pages.
pub(super) fn literal(text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut plain = String::new();
    for c in text.chars() {
        if matches!(c, ' '..='~') {
            plain.push(c);
            continue;
        }
        // The first part is a string in any case: characters alone would be added up as numbers.
        if parts.is_empty() || !plain.is_empty() {
            parts.push(quoted(&std::mem::take(&mut plain)));
        }
        parts.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("[char]0x{unit:04X}")));
    }
    if parts.is_empty() {
        return quoted(&plain);
    }
    if !plain.is_empty() {
        parts.push(quoted(&plain));
    }
    format!("({})", parts.join(" + "))
}

fn quoted(plain: &str) -> String {
    format!("'{}'", plain.replace('\'', "''"))
}
