using FastIot.Training;

return TrainCommand.Root().Parse(args).Invoke();
