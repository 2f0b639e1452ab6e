Console.WriteLine("fastiot");
