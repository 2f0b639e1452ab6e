Console.WriteLine("fastiot-train");
