using FastIot.Cli;

return CommandLine.Run(args, Terminal.OfProcess());
