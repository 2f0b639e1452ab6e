namespace FastIot.Serving;

/// <summary>TensorFlow Serving's answers about models: what state they are in, what they take and give.</summary>
internal static class ModelStatus
{
    /// <exception cref="ServingException">No such model or version.</exception>
    public static void Write(ByteBuffer answer, ModelServer server, RestPath rest)
    {
        ServedModel model = server.Find(rest.Name) ?? throw new ServingException(ServingStatus.NotFound, $"Could not find any versions of model {rest.Name}");
        // A label is not looked at here, as it is not there.
        IEnumerable<ServedVersion> versions = model.Versions.Reverse();
        if (rest.Version is { } number)
        {
            ServedVersion only = model.Find(number) ?? throw new ServingException(ServingStatus.NotFound, $"Could not find version {number} of model {rest.Name}");
            versions = [only];
        }

        answer.Raw("{\n  \"model_version_status\": ["u8);
        string between = "\n";
        foreach (ServedVersion version in versions)
        {
            answer.Text(between).Raw("    {\n      \"version\": \""u8).Number(version.Version).Raw("\",\n      \"state\": \""u8).Text(version.State.ToString().ToUpperInvariant());
            answer.Raw("\",\n      \"status\": {\n        \"error_code\": \""u8).Text(version.Error.Length == 0 ? "OK" : "UNKNOWN").Raw("\",\n        \"error_message\": "u8).String(version.Error);
            answer.Raw("\n      }\n    }"u8);
            between = ",\n";
        }

        answer.Raw("\n  ]\n}\n"u8);
    }

    public static void WriteMetadata(ByteBuffer answer, ServedVersion version)
    {
        answer.Raw("{\"model_spec\":{\"name\":"u8).String(version.Name).Raw(",\"signature_name\":\"\",\"version\":\""u8).Number(version.Version);
        answer.Raw("\"},\"metadata\":{\"signature_def\":{\"signature_def\":{\"serving_default\":{\"inputs\":{"u8);
        WriteTensors(answer, version.Graph!.Inputs);
        answer.Raw("},\"outputs\":{"u8);
        WriteTensors(answer, version.Graph.Outputs);
        answer.Raw("},\"method_name\":\"tensorflow/serving/predict\",\"defaults\":{}}}}}}"u8);
    }

    private static void WriteTensors(ByteBuffer answer, GraphTensor[] tensors)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            if (i > 0) answer.Raw(","u8);
            answer.String(tensors[i].Utf8Name).Raw(":{\"dtype\":\""u8).Text(TensorTypes.TensorFlowName(tensors[i].Type)).Raw("\",\"tensor_shape\":{\"dim\":["u8);
            for (int d = 0; d < tensors[i].Shape.Length; d++)
            {
                if (d > 0) answer.Raw(","u8);
                answer.Raw("{\"size\":\""u8).Number(tensors[i].Shape[d]).Raw("\",\"name\":\"\"}"u8);
            }

            answer.Raw("],\"unknown_rank\":false},\"name\":"u8).String(tensors[i].Utf8Name).Raw("}"u8);
        }
    }
}
