//! The script that completes the options in a shell.

use clap::{Arg, ValueHint};
use clap_complete::Shell;

use crate::options;

/// Returns the script for a shell.
pub(crate) fn script(shell: Shell) -> String {
    let name = env!("CARGO_BIN_NAME");
    // Shells show the help beside each option, in one line.
    let mut command = options::command().mut_args(|arg| match arg.get_help() {
        Some(help) => {
            let help = summary(&help.to_string());
            arg.help(help)
        }
        None => arg,
    });
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    let script = String::from_utf8(script).expect("a script of options in ASCII");
    match shell {
        // clap_complete 4.6 takes the hyphen of the program's name for the space before a subcommand in one of two
        // places, so the script would not know the subcommand again.
        Shell::Bash => {
            let name = name.replace('-', "__");
            script.replace(&format!("{}__subcmd__", name.replace("__", "__subcmd__")), &format!("{name}__subcmd__"))
        }
        // With clap_complete 4.6, an option whose value is still missing hides the values that it may have, and
        // arguments of subcommands are not completed.
        Shell::Fish => {
            let condition = format!("__fish_{}_using_subcommand", name.replace('-', "_"));
            let takes_path = |value: &Arg| matches!(value.get_value_hint(), ValueHint::DirPath | ValueHint::FilePath);
            // Where a path is wanted, fish completes names of files by itself.
            let subcommands = command.get_subcommands().filter(|it| !it.get_positionals().any(takes_path));
            let arguments = subcommands.map(|subcommand| {
                let values = subcommand.get_positionals().flat_map(Arg::get_possible_values);
                let values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
                let (subcommand, values) = (subcommand.get_name(), values.join(" "));
                format!("complete -c {name} -n \"{condition} {subcommand}\" -f -a \"{values}\"\n")
            });
            script.replacen("\n    or return\n", "\n    or return 0\n", 1) + &arguments.collect::<String>()
        }
        _ => script,
    }
}

/// Returns the first clause of an option's help, with its range and default.
fn summary(help: &str) -> String {
    let (text, end) = help.split_once("\n[").unwrap_or((help, ""));
    let clause = [". ", "; ", ": "].iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    let clause = &text[..clause];
    if end.is_empty() { clause.into() } else { format!("{clause} [{end}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_described_in_one_clause_with_its_range() {
        for (help, summary_of_it) in [
            ("Sessions at once; one more is refused\n[1 to 5; default: 2]", "Sessions at once [1 to 5; default: 2]"),
            ("Serve a dialect: IP:PORT. Or not", "Serve a dialect"),
            ("Print the version, and exit", "Print the version, and exit"),
        ] {
            assert_eq!(summary(help), summary_of_it);
        }
    }

    #[test]
    fn fish_completes_a_missing_value_and_the_arguments_of_subcommands() {
        let script = script(Shell::Fish);
        assert!(script.contains("-- $cmd 2>/dev/null\n    or return 0\n"), "{script}");
        let of_completions =
            "-n \"__fish_chat_server_using_subcommand completions\" -f -a \"bash elvish fish powershell zsh\"\n";
        assert!(script.contains(of_completions), "{script}");
        assert!(script.contains("using_subcommand man\" -f -a \"\"\n"), "{script}");
    }
}
