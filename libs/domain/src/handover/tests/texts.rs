//! Scripts and sheets, by hand.

use super::super::powershell::literal;
use super::*;

#[test]
fn script_is_known_whole() {
    let one = MembershipChange {
        collection_name: "Ann's pilot".to_owned(),
        ..change(
            "PS100042",
            vec![member(16_777_220, "PC-2"), member(16_777_219, "PC-1")],
            vec![member(16_777_221, "PC-3"), member(16_777_222, "PC-4")],
        )
    };
    let script = work_on(Some("2509"), one).script().unwrap();
    let expected = r#"# Changes the direct membership rules of one device collection of Configuration Manager.
# Run it from the site drive of the ConfigurationManager module, on site version 2107 or later.
# -WhatIf shows what it would do. It may be run again: rules that are as wanted are left alone.
[CmdletBinding(SupportsShouldProcess)]
param()

$ErrorActionPreference = 'Stop'
$collectionId = 'PS100042'
$collectionName = 'Ann''s pilot'
Write-Verbose "collection $collectionId, $collectionName"

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

Add-Batch -ResourceId 16777219, 16777220
Remove-Batch -ResourceId '16777221', '16777222'

# Starts one evaluation. Members follow seconds to minutes later: look, do not ask again.
Invoke-CMCollectionUpdate -CollectionId $collectionId -WhatIf:$WhatIfPreference
"#;
    assert_eq!(script, expected);
}

#[test]
fn hostile_names_are_literals() {
    for (name, expected) in [
        ("Pilot", "'Pilot'"),
        ("", "''"),
        ("Ann's", "'Ann''s'"),
        ("'; Remove-Item *; '", "'''; Remove-Item *; '''"),
        ("$(Stop-Computer)`n\"", "'$(Stop-Computer)`n\"'"),
        ("a\nStop-Computer", "('a' + [char]0x000A + 'Stop-Computer')"),
        ("\u{2019}; x", "('' + [char]0x2019 + '; x')"),
        ("Böse", "('B' + [char]0x00F6 + 'se')"),
        ("В", "('' + [char]0x0412)"),
        ("öä", "('' + [char]0x00F6 + [char]0x00E4)"),
        ("\u{1F4BB}", "('' + [char]0xD83D + [char]0xDCBB)"),
    ] {
        assert_eq!(literal(name), expected, "{name:?}");
    }
}

#[test]
fn sheet_is_known_whole() {
    let one = MembershipChange {
        collection_name: "Pilot, \"first\"".to_owned(),
        ..change(
            "PS100042",
            vec![member(7, "=HYPERLINK(\"x\")"), member(8, "PC-8")],
            vec![member(9, "'quoted"), member(10, " @SUM(A1)"), member(11, "a-b")],
        )
    };
    let other = change("PS100043", vec![], vec![member(12, "-1")]);
    let done = current(Some(&policy()), &policy(), &[one.clone(), other]);
    let header = "collection_id,collection_name,action,resource_id,device_name\r\n";
    let first = "PS100042,\"Pilot, \"\"first\"\"\",add,7,\"'=HYPERLINK(\"\"x\"\")\"\r\n\
        PS100042,\"Pilot, \"\"first\"\"\",add,8,PC-8\r\n\
        PS100042,\"Pilot, \"\"first\"\"\",remove,9,''quoted\r\n\
        PS100042,\"Pilot, \"\"first\"\"\",remove,10,' @SUM(A1)\r\n\
        PS100042,\"Pilot, \"\"first\"\"\",remove,11,a-b\r\n";
    let second = "PS100043,Pilot,remove,12,'-1\r\n";
    assert_eq!(done.csv(), format!("{header}{first}{second}"));
    assert_eq!(done.memberships[0].csv(), format!("{header}{first}"));
}
